// SPDX-License-Identifier: Apache-2.0
// Explains why this browser does not show a stream, and what to do.

import { Source, hasCodecs, hasSoundCodecs } from "./support.js";

export const LARGE_PIXELS = 4096 * 2304; // the limit of most decoders

export const TOO_SLOW = "This browser decodes more slowly than the pictures come: some are skipped.";
export const HESITATES = "Nothing is to be seen yet. This stream begins anew only by gradual refresh or at open GOPs: "
  + "this browser may take some seconds until the picture is whole, or need an IDR. Let the encoder send IDR keyframes.";

// Profile names by profile_idc (H.264) and general_profile_idc (H.265).
const PROFILES = {
  h264: {
    0x2c: "CAVLC 4:4:4 Intra", 0x42: "Baseline", 0x4d: "Main", 0x58: "Extended", 0x64: "High", 0x6e: "High 10",
    0x7a: "High 4:2:2", 0xf4: "High 4:4:4 Predictive",
  },
  h265: { 1: "Main", 2: "Main 10", 3: "Main Still Picture", 4: "Range Extensions" },
};
const USUAL = { h264: [0x42, 0x4d, 0x64], h265: [1] };

const NAMES = { h264: "H.264", h265: "H.265", jpeg: "JPEG", av1: "AV1", pcm_s16le: "PCM", aac: "AAC", opus: "Opus" };

export const codecName = (codec) => NAMES[codec] ?? codec;

export function describe(stream) {
  const name = codecName(stream.codec);
  if (stream.media === "video") return stream.width ? `${name} ${stream.width}x${stream.height}` : name;
  return `Sound, ${name}, ${stream.sample_rate || "?"} Hz, ${stream.channels} channel${stream.channels === 1 ? "" : "s"}`;
}

function profileOf({ codec, codec_string }) {
  const field = codec_string.split(".")[1];
  return codec === "h264" ? parseInt(field.slice(0, 2), 16) : parseInt(field.replace(/^[ABC]/, ""), 10);
}

// Returns why this browser can't play the codec, profile or size of a stream.
export function whyNot(stream) {
  const codecs = stream.media === "audio" ? hasSoundCodecs : hasCodecs;
  if (!codecs && !Source) {
    return "From another machine, without https, browsers have no WebCodecs, and this one has no Media Source Extensions "
      + `either. Tunnel it, ssh -L ${location.port}:127.0.0.1:${location.port} ${location.hostname}, and open `
      + `${location.protocol}//127.0.0.1:${location.port}/.`;
  }
  const name = codecName(stream.codec);
  if (!PROFILES[stream.codec]) return `This browser does not play ${name} (${stream.codec_string}). Try another browser.`;
  const profile = profileOf(stream);
  const what = `${name}, profile ${PROFILES[stream.codec][profile] ?? profile}, ${stream.width}x${stream.height} (${stream.codec_string})`;
  if (!USUAL[stream.codec].includes(profile)) {
    return `This browser does not play ${what}. Let the encoder send 4:2:0 with 8 bits, such as ${name} Main, or try another browser.`;
  }
  if (stream.width * stream.height > LARGE_PIXELS) {
    return `This browser does not play ${what}. Its decoder may not take such large pictures: try a smaller size.`;
  }
  return `This browser does not play ${what}. ${stream.codec === "h265"
    ? "Try Safari, or Chrome or Edge on a machine that decodes it in hardware, or let the camera send H.264."
    : "Try another browser."}`;
}
