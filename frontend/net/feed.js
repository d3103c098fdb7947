/**
 * The live connection: Socket.IO, namespace /market. Keeps the wanted subscriptions alive across reconnects.
 *
 * Every event is handed on as it came; what it means is the models' business.
 * Layer: net.
 */

import { io } from "../vendor/socket.io.esm.min.js";

const PING_EVERY_MS = 2_000;
/** A book that does not come right is asked for again at most this often. */
const RESUBSCRIBE_EVERY_MS = 500;

/** Events that are handed on. */
const EVENTS = ["subscribed", "venue", "l2_snapshot", "l2_delta", "trades", "ticker", "order_events", "resync", "error"];

/** @typedef {{type: string, symbol?: string, batch?: boolean}} Subscription */

export class Feed {
  /** Called with the name and the payload of every event. @type {(name: string, payload: any) => void} */
  onEvent = () => {};
  /** Called when the connection is up and everything is subscribed again. */
  onConnect = () => {};
  onDisconnect = () => {};
  /** Called with the times, in ms of performance.now(), of a ping and its answer. @type {(sentMs: number, nowMs: number) => void} */
  onRoundTrip = () => {};

  #socket;
  /** @type {Map<string, Subscription>} */ #wanted = new Map();
  /** @type {Map<string, number>} */ #askedAtMs = new Map();
  /** @type {number | null} */ #pingSentMs = null;

  constructor() {
    // WebSocket first; long polling where something between refuses it.
    this.#socket = io("/market", {
      autoConnect: false,
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      reconnectionDelay: 500,
      reconnectionDelayMax: 4_000,
      timeout: 8_000,
    });
    this.#socket.on("connect", () => this.#connected());
    this.#socket.on("disconnect", (reason) => this.#disconnected(reason));
    this.#socket.on("connect_error", () => this.onDisconnect());
    this.#socket.on("pong", () => this.#pong());
    for (const name of EVENTS) this.#socket.on(name, (payload) => this.onEvent(name, payload));
  }

  /** Start; runs until the page goes away. */
  open() {
    this.#socket.connect();
    setInterval(() => this.#ping(), PING_EVERY_MS);
  }

  /** @param {Subscription} subscription */
  subscribe(subscription) {
    this.#wanted.set(keyOf(subscription), subscription);
    if (this.#socket.connected) this.#ask(subscription);
  }

  /** @param {Subscription} subscription */
  unsubscribe(subscription) {
    if (!this.#wanted.delete(keyOf(subscription))) return;
    this.#askedAtMs.delete(keyOf(subscription));
    if (this.#socket.connected) this.#socket.emit("unsubscribe", subscription);
  }

  /**
   * Ask again for a subscription that has come apart; the server answers with a fresh snapshot.
   * @param {Subscription} subscription must be wanted
   */
  resubscribe(subscription) {
    const key = keyOf(subscription);
    const waitMs = Math.max(0, (this.#askedAtMs.get(key) ?? 0) + RESUBSCRIBE_EVERY_MS - performance.now());
    setTimeout(() => {
      if (this.#wanted.has(key) && this.#socket.connected) this.#ask(subscription);
    }, waitMs);
  }

  /** @param {Subscription} subscription */
  #ask(subscription) {
    this.#askedAtMs.set(keyOf(subscription), performance.now());
    this.#socket.emit("subscribe", subscription);
  }

  #connected() {
    for (const subscription of this.#wanted.values()) this.#ask(subscription);
    this.onConnect();
    this.#ping();
  }

  /** @param {string} reason */
  #disconnected(reason) {
    this.#pingSentMs = null;
    this.onDisconnect();
    // The library stays away when the server closed the connection itself; a trader wants it back.
    if (reason === "io server disconnect") setTimeout(() => this.#socket.connect(), 1_000);
  }

  #ping() {
    if (!this.#socket.connected || this.#pingSentMs !== null) return;
    this.#pingSentMs = performance.now();
    this.#socket.emit("ping");
  }

  #pong() {
    if (this.#pingSentMs === null) return;
    const sentMs = this.#pingSentMs;
    this.#pingSentMs = null;
    this.onRoundTrip(sentMs, performance.now());
  }
}

/** @param {Subscription} subscription */
function keyOf({ type, symbol = "" }) {
  return `${type} ${symbol}`;
}
