// SPDX-License-Identifier: Apache-2.0
// Plays sound with WebAudio: PCM directly, other codecs through WebCodecs. Browsers allow it only after a user's gesture.

const AHEAD_S = 0.15; // buffered, for delays of the network and of this page
const MOST_AHEAD_S = 0.5; // more has come in a burst, or from a fast clock, and is left out
const MOST_WAITING = 25; // frames in the decoder, about half a second
const PATIENCE_MS = 1000; // until sound must be heard

export class SoundPlayer {
  name = "WebAudio";

  constructor(_, page) { this.page = page; }

  start(stream) { this.stream = stream; }

  // To be called from a user's gesture.
  listen() {
    if (this.context) {
      this.wake();
      return;
    }
    try {
      this.context = this.open();
    } catch (error) {
      this.page.note(`This browser plays no sound of ${this.stream.sample_rate} Hz: ${error.message}`);
      return;
    }
    this.context.onstatechange = () => this.onState();
    this.until_s = 0;
    this.wake();
    setTimeout(() => this.onState(), PATIENCE_MS);
  }

  // A browser may suspend sound, as during a call.
  onState() {
    if (this.closed) return;
    this.page.heard(this.context.state === "running");
    this.wake();
  }

  wake() { if (this.context && this.context.state !== "running") this.context.resume().catch(() => {}); }

  open() {
    const { codec_string: codec, sample_rate: sampleRate } = this.stream;
    const context = new AudioContext({ sampleRate });
    if (codec !== "pcm-s16") this.openDecoder(codec, sampleRate);
    return context;
  }

  openDecoder(codec, sampleRate) {
    const decoder = new AudioDecoder({
      output: (data) => this.hear(data),
      error: (error) => { if (decoder === this.decoder) this.stop(error); },
    });
    this.decoder = decoder;
    this.config = { codec, sampleRate, numberOfChannels: this.stream.channels };
    decoder.configure(this.config);
  }

  feed(part) {
    if (!this.context) return;
    this.page.shown({ number: part.number });
    if (this.stream.codec_string === "pcm-s16") {
      this.play(samplesOf(part.data, this.stream.channels));
    } else if (this.decoder.decodeQueueSize > MOST_WAITING) {
      this.page.skipped(1);
    } else if (this.decoder.state === "configured") {
      try {
        const timestamp = Math.round(part.time_ms * 1000);
        this.decoder.decode(new EncodedAudioChunk({ type: "key", timestamp, data: part.data }));
      } catch (error) {
        this.stop(error);
      }
    }
  }

  hear(data) {
    const channels = Array.from({ length: data.numberOfChannels }, (_, planeIndex) => {
      const samples = new Float32Array(data.numberOfFrames);
      data.copyTo(samples, { planeIndex, format: "f32-planar" });
      return samples;
    });
    this.play(channels, data.sampleRate);
    data.close();
  }

  play(channels, rate = this.stream.sample_rate) {
    if (this.context.state !== "running" || !channels[0]?.length) return;
    const buffer = this.context.createBuffer(channels.length, channels[0].length, rate);
    channels.forEach((samples, channel) => buffer.copyToChannel(samples, channel));
    const now_s = this.context.currentTime;
    if (this.until_s > now_s + MOST_AHEAD_S) {
      this.page.skipped(1);
      return;
    }
    if (this.until_s < now_s) this.until_s = now_s + AHEAD_S;
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.context.destination);
    source.start(this.until_s);
    this.until_s += buffer.duration;
  }

  async stop(error) {
    const decoder = this.decoder;
    const told = await AudioDecoder.isConfigSupported(this.config).catch(() => ({ supported: false }));
    if (decoder !== this.decoder || this.closed) return;
    if (told.supported) this.page.restart(error.message);
    else this.page.unsupported();
  }

  close() {
    this.closed = true;
    if (this.decoder && this.decoder.state !== "closed") this.decoder.close();
    if (this.context) this.context.close().catch(() => {});
  }
}

// Converts interleaved little-endian 16-bit samples to an array for each channel, from -1 to 1.
function samplesOf(bytes, count) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Math.floor(bytes.byteLength / 2 / count);
  return Array.from({ length: count }, (_, channel) =>
    Float32Array.from({ length }, (__, at) => view.getInt16(2 * (at * count + channel), true) / 32768));
}
