// SPDX-License-Identifier: Apache-2.0
// Plays one ring, pictures or sound, in one place: the connection, the player, and the texts about them.

import { CodecsPlayer } from "./codecs_player.js";
import { Connection } from "./connection.js";
import { JpegPlayer } from "./jpeg_player.js";
import { Mp4Player } from "./mp4_player.js";
import { whyNot } from "./reasons.js";
import { SoundPlayer } from "./sound_player.js";
import { hasCodecs, hasSoundCodecs, playsMp4 } from "./support.js";

const KEYFRAME = 1, HEAD = 2, RECOVERY_POINT = 4, CAPTURED = 8, HEADER_BYTES = 36; // as in showing.py
const RETRY_MS = 1000, CALM_MS = 10000;

const usualForm = hasCodecs && new URLSearchParams(location.search).get("player") !== "mse" ? "frames" : "mp4";

export class Screen {
  ring = ""; // "" if none
  entry = ""; // "idr": this browser can begin at an IDR picture only
  form = usualForm;
  count = 0; // parts shown
  skippedCount = 0;
  stops = 0;
  listening = false;
  said = { connection: "Connecting ...", device: "", policy: "", player: "" };

  // places has canvas and video, to draw on, and optionally tap, a button. owner has say, and optionally the others:
  //   say(text)                the most important text; "": none
  //   began(stream, player)    a stream has begun; player is undefined if it can't be played
  //   shown(part), heard(isHeard), told(message)   a part was shown, sound is heard or not, the device has sent a message
  // brief: do not ask for the overview of the device.
  constructor(places, owner, brief = false) {
    Object.assign(this, { places, owner, brief });
    const screen = this;
    this.connection = new Connection({
      onPart: (buffer) => this.feed(buffer),
      onTold: (told) => this.onTold(told),
      lost: () => this.stopPlayer(),
      say: (text) => this.say("connection", text),
      get skipped() { return screen.skippedCount; },
    });
    this.tap = () => this.letPlay?.();
    places.tap?.addEventListener("click", this.tap);
    this.wake = () => { if (!document.hidden) this.player?.wake?.(); };
    document.addEventListener("visibilitychange", this.wake);
  }

  turnTo(ring) {
    Object.assign(this, { ring, form: usualForm, entry: "", count: 0, skippedCount: 0, stops: 0, stream: undefined });
    Object.assign(this.said, { device: "", player: "" });
    this.show(""); // the picture on screen is of another ring
    this.connect();
  }

  connect() {
    this.stopPlayer();
    const asked = { ...(this.ring ? { ring: this.ring, form: this.form, entry: this.entry, tells: "got" } : {}), ...(this.brief ? { brief: 1 } : {}) };
    this.connection.open(Object.keys(asked).length ? `?${new URLSearchParams(asked)}` : "");
  }

  close() {
    this.stopPlayer();
    this.connection.close();
    this.places.tap?.removeEventListener("click", this.tap);
    document.removeEventListener("visibilitychange", this.wake);
  }

  say(who, text) {
    this.said[who] = text;
    this.owner.say(this.said.connection || [this.said.device, this.said.policy, this.said.player].filter(Boolean).join(" "));
  }

  // To be called from a user's gesture, without which browsers play no sound.
  listen(wanted) {
    this.heard(wanted);
    if (!wanted) this.connect();
    else if (this.player?.listen) this.player.listen();
  }

  // ---- what a player calls, see canvas_player.js ----

  shown(part) {
    this.count += 1;
    const now_ms = this.connection.clock.now_ms();
    this.owner.shown?.(part, part?.isCaptured && now_ms !== null ? now_ms - part.time_ms : undefined);
    if (this.stops && performance.now() - this.stopped_ms > CALM_MS) {
      this.stops = 0;
      this.note("");
    }
  }

  skipped(count) { this.skippedCount += count; }

  ask(how) {
    this.letPlay = how;
    if (this.places.tap) this.places.tap.hidden = !how;
  }

  heard(isHeard) {
    this.listening = isHeard;
    this.owner.heard?.(isHeard);
  }

  note(text) { this.say("player", text); }

  unsupported() {
    if (this.form === "frames" && playsMp4(this.stream)) this.connectWith({ form: "mp4" });
    else this.note(whyNot(this.stream));
  }

  needsIdr() { this.connectWith({ entry: "idr" }); }

  connectWith(other) {
    Object.assign(this, other);
    this.connect();
  }

  restart(reason) {
    this.stops += 1;
    this.stopped_ms = performance.now();
    if (this.stops > 1) this.note(`The browser's player has stopped ${this.stops} times, and begins again: ${reason} Another browser may go on.`);
    const stopped = this.player;
    setTimeout(() => { if (stopped && this.player === stopped) this.connect(); }, RETRY_MS);
  }

  // ---- messages of the device ----

  onTold(told) {
    this.say("connection", "");
    if (told.type === "stream") this.start(told);
    else if (told.type === "state") this.say("device", told.text);
    else if (told.type === "second") this.player?.check?.();
    this.owner.told?.(told);
  }

  start(told) {
    this.stopPlayer();
    this.stream = told;
    if (this.stops < 2) this.note("");
    // WebKitGTK 2.50 crashes the page when samples of several planes are copied, as those of AAC are.
    if (told.codec === "aac" && told.form === "frames" && playsMp4(told)) {
      this.connectWith({ form: "mp4" });
      return;
    }
    const [Player, place, isPossible] = told.problem ? [] : this.playerFor(told);
    this.show(told.media === "audio" ? "" : place);
    if (isPossible) this.player = new Player(this.places[place], this);
    this.owner.began?.(told, this.player);
    if (told.problem) this.note(told.problem);
    else if (!isPossible) this.unsupported();
    else this.begin(told);
  }

  begin(told) {
    try {
      this.player.start(told);
    } catch (error) { // caused by the description of the stream
      this.stopPlayer();
      if (error.name === "NotSupportedError" || error instanceof TypeError) this.unsupported();
      else this.note(`This can't be played: ${error.message}`);
      return;
    }
    if (this.listening && told.media === "audio") this.player.listen();
  }

  // Returns the class of the player, where it draws, and whether this browser has what it needs.
  playerFor(told) {
    if (told.form === "mp4") return [Mp4Player, "video", playsMp4(told)];
    if (told.media === "audio") return [SoundPlayer, "", told.codec_string === "pcm-s16" || hasSoundCodecs];
    if (told.codec === "jpeg") return [JpegPlayer, "canvas", true];
    return [CodecsPlayer, "canvas", hasCodecs];
  }

  // Shows canvas or video; "": neither.
  show(place) { for (const id of ["canvas", "video"]) this.places[id].hidden = id !== place; }

  // The element that shows the picture, or undefined if there is none yet.
  get picture() { return this.count ? [this.places.canvas, this.places.video].find((one) => !one.hidden) : undefined; }

  stopPlayer() {
    if (this.player) this.player.close();
    this.player = undefined;
  }

  feed(buffer) {
    if (!this.player) return;
    const head = new DataView(buffer);
    const flags = head.getUint32(24, true);
    this.player.feed({
      number: Number(head.getBigUint64(0, true)),
      time_ms: Number(head.getBigUint64(8, true)) / 1e6,
      published_ms: Number(head.getBigUint64(16, true)) / 1e6,
      isCaptured: Boolean(flags & CAPTURED), // time_ms is the time of capture; otherwise its clock is unknown
      isKeyframe: Boolean(flags & KEYFRAME),
      isHead: Boolean(flags & HEAD),
      isRecoveryPoint: Boolean(flags & RECOVERY_POINT),
      data: new Uint8Array(buffer, HEADER_BYTES),
    });
  }
}
