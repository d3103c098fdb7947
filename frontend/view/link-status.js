/**
 * How well we hear the venue: the pill at the top, the banner below it, the figures at the foot.
 * Layer: view.
 */

import { grouped } from "../model/decimal.js";
import { setText } from "./cells.js";
import { oncePerFrame } from "./frame.js";

const STATE_WORDS = Object.freeze({
  connecting: "Connecting",
  live: "Live",
  resyncing: "Resyncing",
  stale: "Stale",
  disconnected: "Disconnected",
});

const BOOK_WORDS = Object.freeze({ empty: "loading", live: "checked", stale: "out of date" });
/** The age is a clock of its own: it moves on when nothing comes. */
const REDRAW_EVERY_MS = 250;

export class LinkStatus {
  #desk;
  #pill;
  #banner;
  #area;
  #status;
  #notice;

  /**
   * @param {{pill: HTMLElement, banner: HTMLElement, area: HTMLElement, status: HTMLElement, notice: HTMLElement}} elements
   *   `area` is what greys out
   * @param {import("../desk.js").Desk} desk
   */
  constructor({ pill, banner, area, status, notice }, desk) {
    this.#desk = desk;
    this.#pill = pill;
    this.#banner = banner;
    this.#area = area;
    this.#notice = notice;
    this.#status = new Map([...status.querySelectorAll("[data-status]")].map((cell) => [cell.dataset.status, cell]));
    const draw = oncePerFrame(() => this.#draw());
    for (const part of ["link", "book", "symbol", "venue", "notice"]) desk.addEventListener(part, draw);
    setInterval(draw, REDRAW_EVERY_MS);
  }

  #draw() {
    const { connection, book, linkState, notice } = this.#desk;
    const { roundTripMs } = connection;
    const roundTrip = roundTripMs === null ? "–" : `${roundTripMs < 10 ? roundTripMs.toFixed(1) : Math.round(roundTripMs)} ms`;
    const ageMs = connection.ageMs(performance.now());
    this.#pill.dataset.state = linkState;
    this.#area.dataset.link = linkState;
    this.#area.dataset.book = book.state;
    setText(this.#pill.querySelector(".pill-state"), STATE_WORDS[linkState]);
    setText(this.#pill.querySelector(".pill-rtt"), linkState === "live" ? roundTrip : "");
    this.#show("seq", book.state === "empty" ? "–" : grouped(String(book.seq)));
    this.#show("age", ageMs === null ? "–" : `${(ageMs / 1000).toFixed(1)} s`);
    this.#show("rtt", roundTrip);
    this.#show("gaps", String(connection.gaps));
    this.#show("resyncs", String(connection.resyncs));
    this.#show("book", BOOK_WORDS[book.state]);
    setText(this.#notice, notice);
    this.#drawBanner(linkState);
  }

  /** @param {import("../model/connection.js").LinkState} linkState */
  #drawBanner(linkState) {
    const text = this.#bannerText(linkState);
    this.#banner.hidden = text === "";
    this.#banner.dataset.tone = linkState === "disconnected" ? "bad" : "warn";
    setText(this.#banner, text);
  }

  /** @param {import("../model/connection.js").LinkState} linkState */
  #bannerText(linkState) {
    if (linkState === "disconnected") return "Disconnected. What you see is the last known state; trying to reconnect…";
    if (linkState === "stale") return "Nothing has come from the server for a while. What you see may be out of date.";
    if (!this.#desk.venue.accepting) return "The venue is not taking orders just now. Market data goes on.";
    const { instrument } = this.#desk;
    if (instrument?.status && instrument.status !== "trading") return `${instrument.symbol} is ${instrument.status}.`;
    return "";
  }

  /** @param {string} name @param {string} text */
  #show(name, text) {
    setText(this.#status.get(name), text);
  }
}
