// SPDX-License-Identifier: Apache-2.0
// What shows the pictures: WebCodecs in a secure page, else Media Source Extensions, and JPEG as it is.
//
// Each has start(stream), feed(picture) and close(). It calls shown(number, capture_ms) for each picture on screen,
// and fail(reason, unsupported) when it can't go on.

const Source = window.ManagedMediaSource || window.MediaSource;
const BEHIND_S = 0.6; // then it jumps to the newest picture
const KEPT_S = 10;
const MOST_WAITING = 60; // pictures

export const hasCodecs = window.isSecureContext && "VideoDecoder" in window;

export const mime = (stream) => `video/mp4; codecs="${stream.codec_string}"`;

export const playsMp4 = (stream) => Boolean(Source && Source.isTypeSupported(mime(stream)));

class CanvasPlayer {
  constructor(canvas, shown, fail) {
    Object.assign(this, { canvas, shown, fail, context: canvas.getContext("2d") });
  }

  draw(image, width, height) {
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    this.context.drawImage(image, 0, 0, width, height);
    image.close();
  }
}

export class CodecsPlayer extends CanvasPlayer {
  name = "WebCodecs";

  start(stream) {
    this.numbers = new Map();
    this.waitForKey = true;
    const config = { codec: stream.codec_string, optimizeForLatency: true };
    this.decoder = new VideoDecoder({
      output: (frame) => {
        const number = this.numbers.get(frame.timestamp);
        this.numbers.delete(frame.timestamp);
        this.draw(frame, frame.displayWidth, frame.displayHeight);
        this.shown(number, frame.timestamp / 1000);
      },
      // The error's name differs between browsers: whether the codec is the cause is asked for.
      error: (error) => VideoDecoder.isConfigSupported(config)
        .then(({ supported }) => this.fail(error.message, !supported), () => this.fail(error.message, true)),
    });
    this.decoder.configure(config);
  }

  feed(picture) {
    if (this.decoder.state !== "configured") return;
    if (picture.isKeyframe && this.decoder.decodeQueueSize > MOST_WAITING) {
      this.decoder.flush().catch(() => {});
    }
    if (this.waitForKey && !picture.isKeyframe) return;
    this.waitForKey = false;
    const timestamp = Math.round(picture.capture_ms * 1000);
    this.numbers.set(timestamp, picture.number);
    if (this.numbers.size > 2 * MOST_WAITING) this.numbers.delete(this.numbers.keys().next().value);
    const type = picture.isKeyframe ? "key" : "delta";
    this.decoder.decode(new EncodedVideoChunk({ type, timestamp, data: picture.data }));
  }

  close() {
    if (this.decoder && this.decoder.state !== "closed") this.decoder.close();
  }
}

export class JpegPlayer extends CanvasPlayer {
  name = "JPEG";

  start() { this.busy = false; }

  async feed(picture) {
    if (this.busy) return; // it is not as quick as the camera: the next one will do
    this.busy = true;
    try {
      const image = await createImageBitmap(new Blob([picture.data], { type: "image/jpeg" }));
      this.draw(image, image.width, image.height);
      this.shown(picture.number, picture.capture_ms);
    } catch {
      // a broken picture; the next one may be whole
    } finally {
      this.busy = false;
    }
  }

  close() {}
}

export class Mp4Player {
  name = "Media Source Extensions";

  constructor(video, shown, fail) {
    Object.assign(this, { video, shown, fail, waiting: [], sent: [], closed: false });
  }

  start(stream) {
    if (!playsMp4(stream)) {
      this.fail("", true);
      return;
    }
    this.first_ms = stream.first_ms;
    this.source = new Source();
    this.url = URL.createObjectURL(this.source);
    this.source.addEventListener("sourceopen", () => this.open(stream), { once: true });
    this.video.src = this.url;
    this.video.play().catch(() => {}); // it plays once there is a picture
    this.watch();
  }

  open(stream) {
    if (this.closed) return;
    this.buffer = this.source.addSourceBuffer(mime(stream));
    this.buffer.addEventListener("updateend", () => this.advance());
    this.advance();
  }

  feed(picture) {
    if (!picture.isHead) this.sent.push([picture.capture_ms, picture.number]);
    if (this.sent.length > 4 * MOST_WAITING) this.sent.shift();
    this.waiting.push(picture.data);
    this.advance();
  }

  advance() {
    const { buffer, video } = this;
    if (this.closed || !buffer || buffer.updating) return;
    try {
      if (buffer.buffered.length) {
        const begin = buffer.buffered.start(0);
        const end = buffer.buffered.end(buffer.buffered.length - 1);
        if (end - video.currentTime > BEHIND_S || video.currentTime < begin) video.currentTime = Math.max(end - 0.1, begin);
        if (video.currentTime - begin > 2 * KEPT_S) {
          buffer.remove(begin, video.currentTime - KEPT_S);
          return;
        }
      }
      if (this.waiting.length) buffer.appendBuffer(this.waiting.shift());
    } catch (error) {
      this.fail(error.message, false);
    }
  }

  watch() {
    const see = (_, { mediaTime }) => {
      if (this.closed) return;
      const capture_ms = this.first_ms + mediaTime * 1000;
      const [, number] = this.sent.reduce(
        (best, one) => (Math.abs(one[0] - capture_ms) < Math.abs(best[0] - capture_ms) ? one : best), [Infinity, undefined]);
      this.shown(number, capture_ms);
      this.video.requestVideoFrameCallback(see);
    };
    if ("requestVideoFrameCallback" in this.video) this.video.requestVideoFrameCallback(see);
    else this.video.addEventListener("timeupdate", () => !this.closed && this.shown(undefined, undefined));
  }

  close() {
    this.closed = true;
    if (this.url) URL.revokeObjectURL(this.url);
    this.video.removeAttribute("src");
    this.video.load();
  }
}
