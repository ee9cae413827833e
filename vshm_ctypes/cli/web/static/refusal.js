// SPDX-License-Identifier: Apache-2.0
// Finds out why there is no connection to the device: a page learns nothing from a refused WebSocket, so it uses HTTP.

const PATIENCE_MS = 5000;
const LONGEST_TEXT = 200; // of the device's own explanation
const WEBSOCKET_NEEDED = 426; // the device's answer to a plain request

const AFTER_REFUSAL = "Open the address that vshm serve printed; if it is that one, ask who runs the proxy between.";

// Returns the reason as text, or "" if nobody answers.
export async function whyRefused() {
  try {
    // POST, since browsers tell the page's origin with it, as with a WebSocket.
    const signal = AbortSignal.timeout?.(PATIENCE_MS);
    return await inWords(await fetch("live", { method: "POST", redirect: "manual", cache: "no-store", signal }));
  } catch {
    return navigator.onLine ? "" : "This machine is in no network. ";
  }
}

async function inWords(answer) {
  const { status } = answer;
  if (status === WEBSOCKET_NEEDED) {
    return "The device answers, but what is between lets no WebSocket pass: let the proxy hand on Upgrade and Connection "
      + "(nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade), "
      + "or open the device's own address. ";
  }
  if (status === 401 || status === 403) return `${await ownWords(answer) || `This page is refused (${status}). ${AFTER_REFUSAL}`} `;
  if (status === 429 || status === 503) return `There are too many requests, or a proxy does not find vshm serve (${status}). `;
  if (status >= 500) return `What is between answers, but vshm serve does not (${status}): is it running? `;
  if (status >= 400) return `Something else than vshm serve answers at this address (${status}). ${AFTER_REFUSAL} `;
  return "A proxy, or a network's login page, answers instead of the device: load this page anew, and log in there. ";
}

// Returns the device's own explanation, or "" if the answer is a proxy's page.
async function ownWords(answer) {
  const isText = answer.headers.get("Content-Type")?.startsWith("text/plain");
  return isText ? (await answer.text()).slice(0, LONGEST_TEXT).trim() : "";
}
