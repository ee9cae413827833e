// SPDX-License-Identifier: Apache-2.0
// Saves a picture of the stream, and shows it in full screen.

// Saves the current picture, a JPEG as it was written, others as PNG. Returns a text for the user.
export async function save(screen) {
  const blob = screen.player?.still?.() ?? await asPng(screen.picture);
  if (!blob) return "There is no picture to save yet.";
  const name = `${screen.ring.slice(1)}-${stamp(new Date())}.${blob.type === "image/jpeg" ? "jpg" : "png"}`;
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  return `Saved ${name}.`;
}

// Returns the picture as a PNG, or null if there is none.
function asPng(picture) {
  const width = picture?.videoWidth ?? picture?.width, height = picture?.videoHeight ?? picture?.height;
  if (!width) return null;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext("2d").drawImage(picture, 0, 0);
  return new Promise((done) => { canvas.toBlob(done); });
}

// Returns local time for a file name, in characters that every file system accepts.
export function stamp(date) {
  const two = (number) => String(number).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return `${day}_${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join("-")}`;
}

// An iPhone shows only a video in full screen, through a method of its own.
export const canFillScreen = (place, video) => Boolean(document.fullscreenEnabled || place.webkitRequestFullscreen || video.webkitEnterFullscreen);

// Enters or leaves full screen.
export function fillScreen(place, picture) {
  if (document.fullscreenElement) document.exitFullscreen();
  else if (place.requestFullscreen) place.requestFullscreen().catch(() => {});
  else if (place.webkitRequestFullscreen) place.webkitRequestFullscreen();
  else picture?.webkitEnterFullscreen?.();
}
