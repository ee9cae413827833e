// SPDX-License-Identifier: Apache-2.0
// What this browser has.

export const Source = window.ManagedMediaSource || window.MediaSource;

// Browsers have WebCodecs in a secure context only: https, or a page of this machine.
export const hasCodecs = "VideoDecoder" in window;
export const hasSoundCodecs = "AudioDecoder" in window;

// In MP4, H.265 goes by the name that all browsers take.
export const mime = (stream) => `${stream.media}/mp4; codecs="${stream.codec_string.replace("hev1", "hvc1")}"`;

export const playsMp4 = (stream) => Boolean(
  Source && stream.codec_string && !["jpeg", "pcm-s16"].includes(stream.codec_string) && Source.isTypeSupported(mime(stream)),
);
