/**
 * The live connection: Socket.IO, namespace /market. Keeps the wanted subscriptions alive across reconnects.
 *
 * Connects as the account whose token `credentials` gives, or as nobody, who sees market data.
 * Every event is handed on as it came; what it means is the models' business.
 * Layer: net.
 */

import { io } from "socket.io-client";
import { Nodes } from "./nodes.js";
import { pauseMs } from "./retry.js";

const PING_EVERY_MS = 2_000;
/** Where there are other nodes, one is asked so often, and left when it owes an answer for longer. */
const NODE_PING_EVERY_MS = 1_000;
const SILENT_MS = 1_500;
const SILENCE_EVERY_MS = 250;
/** A book that does not come right is asked for again at most this often. */
const RESUBSCRIBE_EVERY_MS = 500;

/** Events that are handed on. */
const EVENTS = [
  "subscribed",
  "venue",
  "fault",
  "status",
  "l2_snapshot",
  "l2_delta",
  "trades",
  "ticker",
  "candle",
  "order_events",
  "balances",
  "queue",
  "resync",
  "error",
];

/** @typedef {{type: string, symbol?: string, batch?: boolean, interval?: string}} Subscription */

export class Feed {
  /** Called with the name and the payload of every event. @type {(name: string, payload: any) => void} */
  onEvent = () => {};
  /** Called when the server has greeted us, before everything is subscribed again. */
  onConnect = () => {};
  onDisconnect = () => {};
  /**
   * Called with the times, in ms of performance.now(), of a ping and its answer, and the server's own, epoch seconds.
   * @type {(sentMs: number, nowMs: number, timestamp: number) => void}
   */
  onRoundTrip = () => {};
  /**
   * Up to which command everything of a subscription is known, to go on from there; undefined to begin anew.
   * @type {(subscription: Subscription) => number | undefined}
   */
  sinceOf = () => undefined;

  #socket;
  #nodes;
  #credentials;
  #opened = false;
  /** Whether the server has let us in: that it answers says nothing of our credentials. */ #greeted = false;
  /** Connections in a row that the server closed or refused. */ #refusals = 0;
  /** Counts attempts to connect: credentials that come late for one are not shown in the next. */ #attempt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #comeBackTimer;
  /** @type {Map<string, Subscription>} */ #wanted = new Map();
  /** @type {Map<string, number>} */ #askedAtMs = new Map();
  /** @type {number | null} */ #pingSentMs = null;

  /**
   * @param {{credentials: () => Promise<{token?: string}>, doubt: () => void}} access whose credentials are shown;
   *   `doubt` is called when the server did not want them any more
   * @param {import("./nodes.js").Nodes} [nodes]
   */
  constructor(access, nodes = new Nodes()) {
    this.#credentials = access;
    this.#nodes = nodes;
    this.#socket = this.#socketTo(nodes.base);
  }

  /** @param {string} base origin of the node */
  #socketTo(base) {
    const { several } = this.#nodes;
    // WebSocket first; long polling where something between refuses it.
    const socket = io(`${base}/market`, {
      autoConnect: false,
      forceNew: true,
      auth: (show) => this.#authenticate(show),
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      reconnectionDelay: 500,
      reconnectionDelayMax: several ? 1_000 : 4_000,
      timeout: several ? 2_500 : 8_000,
    });
    socket.on("connected", () => this.#connected());
    socket.on("disconnect", (reason) => this.#disconnected(reason));
    socket.on("connect_error", () => this.#failed());
    socket.on("pong", ({ timestamp }) => this.#pong(timestamp));
    for (const name of EVENTS) socket.on(name, (payload) => this.#receive(name, payload));
    return socket;
  }

  /** Go on at another node where one answers, instead of at this one. */
  async #move() {
    if (!(await this.#nodes.move())) return;
    clearTimeout(this.#comeBackTimer);
    this.#socket.off();
    this.#socket.disconnect();
    if (this.#greeted) this.onDisconnect();
    this.#gone();
    this.#refusals = 0;
    this.#socket = this.#socketTo(this.#nodes.base);
    this.#socket.connect();
  }

  /** Start; runs until the page goes away. */
  open() {
    this.#opened = true;
    this.#socket.connect();
    const { several } = this.#nodes;
    setInterval(() => this.#ping(), several ? NODE_PING_EVERY_MS : PING_EVERY_MS);
    if (several) setInterval(() => this.#leaveTheSilent(), SILENCE_EVERY_MS);
  }

  /** Leave, and come back as whoever is signed in now. Nothing of the former comes after this. */
  reconnect() {
    if (!this.#opened) return;
    this.#gone();
    clearTimeout(this.#comeBackTimer);
    this.#socket.disconnect();
    this.#socket.connect();
  }

  /** @param {Subscription} subscription */
  subscribe(subscription) {
    this.#wanted.set(keyOf(subscription), subscription);
    if (this.#greeted) this.#ask(subscription);
  }

  /** @param {Subscription} subscription */
  unsubscribe(subscription) {
    if (!this.#wanted.delete(keyOf(subscription))) return;
    this.#askedAtMs.delete(keyOf(subscription));
    if (this.#greeted) this.#socket.emit("unsubscribe", subscription);
  }

  /**
   * Ask again for a subscription that has come apart; the server answers with a fresh snapshot.
   * @param {Subscription} subscription must be wanted
   */
  resubscribe(subscription) {
    const key = keyOf(subscription);
    const waitMs = Math.max(0, (this.#askedAtMs.get(key) ?? 0) + RESUBSCRIBE_EVERY_MS - performance.now());
    setTimeout(() => {
      if (this.#wanted.has(key) && this.#greeted) this.#ask(subscription);
    }, waitMs);
  }

  /** @param {Subscription} subscription @param {number} [since] */
  #ask(subscription, since) {
    this.#askedAtMs.set(keyOf(subscription), performance.now());
    this.#socket.emit("subscribe", since === undefined ? subscription : { ...subscription, since });
  }

  #connected() {
    this.#refusals = 0;
    this.onConnect();
    this.#greeted = true;
    for (const subscription of this.#wanted.values()) this.#ask(subscription, this.sinceOf(subscription));
    this.#ping();
  }

  /** @param {string} name @param {any} payload */
  #receive(name, payload) {
    // However the connection ends after this, coming back with the same token would be of no use.
    if (name === "error" && payload.event === "connect") return this.#credentials.doubt();
    this.onEvent(name, payload);
  }

  /** @param {(credentials: object) => void} show */
  async #authenticate(show) {
    const attempt = ++this.#attempt;
    const credentials = await this.#credentials.credentials();
    if (attempt === this.#attempt) show(credentials);
  }

  /** @param {string} reason */
  #disconnected(reason) {
    this.#gone();
    if (reason === "io client disconnect") return; // our own doing
    this.onDisconnect();
    if (reason === "io server disconnect") this.#comeBack();
    this.#move();
  }

  #failed() {
    this.#gone();
    this.onDisconnect();
    if (!this.#socket.active) this.#comeBack();
    this.#move();
  }

  /** The library stays away when the server closed or refused the connection itself; a trader wants it back. */
  #comeBack() {
    this.#credentials.doubt();
    this.#refusals += 1;
    this.#comeBackTimer = setTimeout(() => this.#socket.connect(), pauseMs({ retryAfterMs: null }, this.#refusals));
  }

  /** Neither a pong nor credentials of this connection are of any use now. */
  #gone() {
    this.#attempt += 1;
    this.#greeted = false;
    this.#pingSentMs = null;
  }

  #ping() {
    if (this.#nodes.stale) this.#move();
    if (!this.#greeted || this.#pingSentMs !== null) return;
    this.#pingSentMs = performance.now();
    this.#socket.emit("ping");
  }

  #leaveTheSilent() {
    if (this.#pingSentMs !== null && performance.now() - this.#pingSentMs > SILENT_MS) this.#move();
  }

  /** @param {number} timestamp */
  #pong(timestamp) {
    if (this.#pingSentMs === null) return;
    const sentMs = this.#pingSentMs;
    this.#pingSentMs = null;
    this.onRoundTrip(sentMs, performance.now(), timestamp);
  }
}

/** @param {Subscription} subscription */
function keyOf({ type, symbol = "", interval = "" }) {
  return `${type} ${symbol} ${interval}`;
}
