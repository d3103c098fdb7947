/**
 * What operators see and do: symbols, one account at a time, statistics over time, the books, the audit trail. Emits
 * "change".
 *
 * Symbols and statistics are asked for as long as somebody looks. The server decides who may: to others it answers 403.
 * Layer: stores.
 */

import { statusSentence } from "../model/market/trading-status.js";
import { Series } from "../model/operator/operator.js";
import { describeFailure } from "../model/parts/failures.js";

const EVERY_MS = 1_000;
const AUDIT_ROWS = 100;
const ACCOUNT_ROWS = 50;
const RANKING_ROWS = 200;
const USER_CHANGES = Object.freeze({
  disable: "cannot sign in any more; their sessions and keys have ended.",
  enable: "can sign in again.",
  promote: "is an operator, and signs in anew.",
  demote: "is no operator any more, and signs in anew.",
  revoke: "is signed out everywhere; their keys have ended.",
  reset_totp: "signs in without codes now; their sessions and keys have ended.",
});
const NOTHING = Object.freeze({ tone: "plain", text: "" });

export class OperatorStore extends EventTarget {
  /** Of GET /symbols. @type {Record<string, any>} */ symbols = {};
  /** Of GET /statistics. @type {any} */ statistics = null;
  connections = new Series();
  orders = new Series();
  latency = new Series();
  /** Of GET /admin/accounts/{account}. @type {any} */ account = null;
  /** Of GET /admin/users/{name}: whoever has that account. @type {any} */ user = null;
  /** A password that was given by a reset, told once. @type {{name: string, password: string} | null} */ given = null;
  /** Found by GET /admin/accounts. @type {readonly any[]} */ accounts = [];
  /** Where their list goes on; null at its end. @type {string | null} */ moreAccounts = null;
  /** Of GET /admin/check. @type {any} */ books = null;
  /** Of GET /admin/audit. @type {readonly any[]} */ audit = [];
  /** Of GET /admin/ranking. @type {any} */ ranking = null;
  /** What became of the last command. @type {{tone: string, text: string}} */ result = NOTHING;
  busy = false;
  #api;
  #beginning = "";
  #timer = 0;
  #watched = false;

  /**
   * @param {import("../net/api.js").Api} api
   * @param {import("./portfolio.js").PortfolioStore} portfolio whose account operates
   */
  constructor(api, portfolio) {
    super();
    this.#api = api;
    portfolio.addEventListener("switch", () => this.#forget());
  }

  /** Ask again and again, until `unwatch`. */
  watch() {
    this.#watched = true;
    clearTimeout(this.#timer);
    this.#refresh();
  }

  unwatch() {
    this.#watched = false;
    clearTimeout(this.#timer);
  }

  /** @param {string} symbol @param {string} action @param {string} [seconds] of an auction */
  command(symbol, action, seconds) {
    const query = seconds ? `?seconds=${encodeURIComponent(seconds)}` : "";
    return this.#do("POST", `/symbols/${encodeURIComponent(symbol)}/${action}${query}`, undefined, ({ status }) =>
      statusSentence(symbol, status),
    );
  }

  /**
   * One account by its number or its user's whole name; several by the beginning of a name, everybody by nothing.
   * @param {string} wanted
   */
  async find(wanted) {
    if (/^[0-9]+$/.test(wanted)) return this.#open(wanted);
    const done = await this.#list(wanted, "", []);
    const exact = this.accounts.find(({ name }) => name.toLowerCase() === wanted.toLowerCase());
    const only = exact ?? (wanted && this.accounts.length === 1 ? this.accounts[0] : null);
    return done && only ? this.#open(only.account) : done;
  }

  /** Go on with the list of accounts. */
  findMore() {
    return this.#list(this.#beginning, this.moreAccounts ?? "", this.accounts);
  }

  /** @param {string} number */
  async #open(number) {
    this.given = this.user = null;
    const found = await this.#do("GET", `/accounts/${encodeURIComponent(number)}`, undefined, (account) => {
      this.account = account;
      return "";
    });
    if (found) await this.#loadUser();
    return found;
  }

  /** Who has the account that is open, where they are signed in, and their keys. */
  async #loadUser() {
    const name = this.account?.user?.name;
    try {
      this.user = name ? await this.#api.operate("GET", `/users/${encodeURIComponent(name)}`) : null;
    } catch {
      this.user = null; // what is asked for next says why
    }
    this.#emit();
  }

  /**
   * Do something to the user of the account that is open; their sessions and keys end.
   * @param {keyof typeof USER_CHANGES} action
   */
  changeUser(action) {
    return this.#ofUser("POST", `/${action}`, ({ user }) => `${user.name} ${USER_CHANGES[action]}`);
  }

  /** Give the user a password for a day, which is shown until another account is opened. */
  resetPassword() {
    return this.#ofUser("POST", "/password", ({ user: { name }, password }) => {
      this.given = { name, password };
      return `${name} has another password; their sessions and keys have ended.`;
    });
  }

  /** @param {string} sessionId */
  endSession(sessionId) {
    return this.#ofUser("DELETE", `/sessions/${encodeURIComponent(sessionId)}`, () => "That session has ended.");
  }

  /** @param {string} method @param {string} path @param {(answer: any) => string} say */
  async #ofUser(method, path, say) {
    const name = encodeURIComponent(this.account.user.name);
    if (await this.#do(method, `/users/${name}${path}`, undefined, say)) await this.#loadUser();
  }

  /** @param {string} beginning @param {string} after @param {readonly any[]} before */
  #list(beginning, after, before) {
    this.#beginning = beginning;
    const query = new URLSearchParams({ name: beginning, after, limit: String(ACCOUNT_ROWS) });
    return this.#do("GET", `/accounts?${query}`, undefined, ({ accounts, next }) => {
      this.account = null;
      this.accounts = [...before, ...accounts];
      this.moreAccounts = next;
      return this.accounts.length === 0 ? `Nobody's name begins with ${beginning}.` : "";
    });
  }

  /** @param {Record<string, unknown>} body */
  configure(body) {
    return this.#ofAccount("PUT", "", body, () => "Tier, fees and limits are set.");
  }

  /** The kill switch, or its undoing. @param {boolean} stopped */
  stop(stopped) {
    return this.#ofAccount("POST", stopped ? "/stop" : "/start", undefined, () =>
      stopped ? "The account is stopped; its orders are cancelled." : "The account may trade again.",
    );
  }

  cancelAll() {
    return this.#ofAccount("DELETE", "/orders", undefined, ({ count }) =>
      count === 1 ? "1 order cancelled." : `${count} orders cancelled.`,
    );
  }

  /** @param {string} asset @param {string} amount */
  credit(asset, amount) {
    return this.#ofAccount("POST", "/deposit", { asset, amount }, () => `Credited ${amount} ${asset}.`);
  }

  /** @param {string} orderId */
  cancelOrder(orderId) {
    return this.#do(
      "DELETE",
      `/orders/${encodeURIComponent(orderId)}`,
      undefined,
      ({ account }) => `Order ${orderId} of account ${account} is cancelled.`,
    );
  }

  check() {
    return this.#do("GET", "/check", undefined, (books) => {
      this.books = books;
      return "The books balance.";
    });
  }

  loadAudit() {
    return this.#do("GET", `/audit?limit=${AUDIT_ROWS}`, undefined, ({ entries }) => {
      this.audit = entries;
      return "";
    });
  }

  /** Who made most. */
  loadRanking() {
    return this.#do("GET", `/ranking?limit=${RANKING_ROWS}`, undefined, (ranking) => {
      this.ranking = ranking;
      return "";
    });
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object | undefined} body
   * @param {(answer: any) => string} say
   */
  async #ofAccount(method, path, body, say) {
    const number = this.account.account.id;
    if (!(await this.#do(method, `/accounts/${number}${path}`, body, say))) return;
    try {
      this.account = await this.#api.operate("GET", `/accounts/${number}`);
      this.#emit();
    } catch {
      // What was done is said; the figures are asked for again with the next command.
    }
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object | undefined} body
   * @param {(answer: any) => string} take the answer, and say what became of it
   * @returns {Promise<boolean>} whether it was done
   */
  async #do(method, path, body, take) {
    this.busy = true;
    this.#say(NOTHING);
    try {
      const text = take(await this.#api.operate(method, path, body));
      this.busy = false;
      this.#say({ tone: "good", text });
      if (this.#watched) this.watch();
      return true;
    } catch (failure) {
      this.busy = false;
      this.#say({ tone: "bad", text: describeFailure(failure, "ask") });
      return false;
    }
  }

  async #refresh() {
    let waitMs = EVERY_MS;
    try {
      const [{ symbol_info: symbols }, statistics, health] = await Promise.all([
        this.#api.symbols(),
        this.#api.statistics(),
        this.#api.health(),
      ]);
      this.symbols = symbols;
      this.statistics = { ...statistics, health };
      this.orders.add(statistics.orders_per_second);
      this.latency.add(statistics.latency_ms.p99 ?? 0);
      this.connections.add(health.connections);
      this.#emit();
    } catch ({ retryAfterMs }) {
      // The page says elsewhere that the server is gone; it is asked again, not before it wants to be.
      waitMs = Math.max(waitMs, retryAfterMs ?? 0);
    }
    clearTimeout(this.#timer);
    if (this.#watched) this.#timer = setTimeout(() => this.#refresh(), waitMs);
  }

  #forget() {
    this.account = this.books = this.ranking = this.moreAccounts = this.user = this.given = null;
    this.audit = this.accounts = [];
    this.#say(NOTHING);
  }

  /** @param {{tone: string, text: string}} result */
  #say(result) {
    this.result = result;
    this.#emit();
  }

  #emit() {
    this.dispatchEvent(new Event("change"));
  }
}
