// SPDX-License-Identifier: Apache-2.0
// What this browser supports.

export const Source = window.ManagedMediaSource || window.MediaSource;

// Browsers offer WebCodecs in a secure context only: https, or a page of the same machine.
export const hasCodecs = "VideoDecoder" in window;
export const hasSoundCodecs = "AudioDecoder" in window;

// hvc1 is the name of H.265 in MP4 that all browsers accept.
export const mime = (stream) => `${stream.media}/mp4; codecs="${stream.codec_string.replace("hev1", "hvc1")}"`;

export const playsMp4 = (stream) => Boolean(
  Source && stream.codec_string && !["jpeg", "pcm-s16"].includes(stream.codec_string) && Source.isTypeSupported(mime(stream)),
);
