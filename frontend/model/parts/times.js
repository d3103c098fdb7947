/**
 * Every time on the page, in one zone: as it is shown and named, and as it is read where one is typed.
 *
 * A moment is epoch seconds, as the wire has it, or milliseconds where the name says so. The name of a zone is how far
 * it is from UTC then: "UTC+9", so that summer time and winter time differ.
 * Layer: model.
 */

const MONTHS = Object.freeze(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]);
const TYPED = /^(\d{4,6})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?$/;
/** As the server writes times into its sentences. */
const IN_SENTENCES = /\b(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d{1,9})? UTC/g;
const DAY_MS = 86_400_000;
/** Offsets change at none but these. */
const QUARTER_MS = 900_000;
const OFFSETS_KEPT = 5_000;

/** Tick marks of an axis, coarsest first. */
export const MARKS = Object.freeze({ year: 0, month: 1, day: 2, minute: 3, second: 4 });

export class Times {
  /** As the time zone database names it. */ zone;
  #parts;
  /** By the quarter of an hour, ms ahead of UTC. @type {Map<number, number>} */ #offsets = new Map();

  /** @param {string} zone as the time zone database names it; throws RangeError of none */
  constructor(zone) {
    this.zone = zone;
    /** @type {Intl.DateTimeFormatOptions} */ const numeric = {
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    };
    this.#parts = new Intl.DateTimeFormat("en-US", {
      ...numeric,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      timeZone: zone,
    });
  }

  /**
   * How far its clocks are ahead of UTC at a moment.
   * @param {number} ms epoch
   * @returns {number} ms, below zero west of it
   */
  aheadMs(ms) {
    const quarter = Math.floor(ms / QUARTER_MS);
    let ahead = this.#offsets.get(quarter);
    if (ahead === undefined) {
      const at = quarter * QUARTER_MS;
      const { year, month, day, hour, minute, second } = Object.fromEntries(
        this.#parts.formatToParts(at).map(({ type, value }) => [type, Number(value)]),
      );
      ahead = Date.UTC(year, month - 1, day, hour, minute, second) - at;
      if (this.#offsets.size >= OFFSETS_KEPT) this.#offsets.clear();
      this.#offsets.set(quarter, ahead);
    }
    return ahead;
  }

  /** What its clocks are called at a moment: "UTC", "UTC+5:30". @param {number} ms epoch */
  name(ms) {
    const minutes = Math.round(this.aheadMs(ms) / 60_000);
    const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
    return minutes === 0 ? "UTC" : `UTC${minutes < 0 ? "−" : "+"}${hours}${rest ? `:${two(rest)}` : ""}`;
  }

  /** The time of day: "14:30:05". @param {number} timestamp epoch seconds */
  clock(timestamp) {
    return this.#local(timestamp).toISOString().slice(11, 19);
  }

  /**
   * The time of day, with the day and the year where they are others.
   * @param {number} timestamp epoch seconds
   * @param {number} nowMs the venue's time, epoch
   */
  dayTime(timestamp, nowMs) {
    const [then, now] = [this.#local(timestamp), this.#local(nowMs / 1_000)];
    if (then.toISOString().slice(0, 10) === now.toISOString().slice(0, 10)) return this.clock(timestamp);
    const year = then.getUTCFullYear() === now.getUTCFullYear() ? "" : ` ${then.getUTCFullYear()}`;
    return `${dayOf(then)}${year}, ${minuteOf(then)}`;
  }

  /** All of it, with the zone: for a title. @param {number} timestamp epoch seconds */
  whole(timestamp) {
    const then = this.#local(timestamp);
    return `${dayOf(then)} ${then.getUTCFullYear()}, ${this.clock(timestamp)} ${this.name(timestamp * 1_000)}`;
  }

  /**
   * When a candle begins, as fine as its interval.
   * @param {number} time epoch seconds
   * @param {string} interval of less than a day
   */
  candle(time, interval) {
    return interval === "1s" ? this.clock(time) : `${dayOf(this.#local(time))}, ${minuteOf(this.#local(time))}`;
  }

  /** A tick mark of an axis. @param {number} time epoch seconds @param {number} mark of MARKS */
  mark(time, mark) {
    const then = this.#local(time);
    if (mark === MARKS.year) return String(then.getUTCFullYear());
    if (mark === MARKS.month) return MONTHS[then.getUTCMonth()];
    if (mark === MARKS.day) return String(then.getUTCDate());
    return mark === MARKS.minute ? minuteOf(then) : this.clock(time);
  }

  /** A sentence of the server's, with its times in this zone. @param {string} sentence */
  inSentence(sentence) {
    return sentence.replace(IN_SENTENCES, (_, day, clock, fraction = "") => {
      const ms = Date.parse(`${day}T${clock}Z`);
      return `${this.#local(ms / 1_000)
        .toISOString()
        .slice(0, 19)
        .replace("T", " ")}${fraction} ${this.name(ms)}`;
    });
  }

  /**
   * A day and a time that were typed, in this zone.
   * @param {string} text "2026-11-29T14:30" or with its seconds, as browsers give it
   * @returns {{ms: number, problem?: undefined} | {ms?: undefined, problem: string}} epoch; or what is wrong with it
   */
  read(text) {
    const typed = TYPED.exec(text);
    if (!typed) return { problem: "Enter the day and time it ends." };
    const [year, month, day, hour, minute, second = 0] = typed.slice(1).map((part) => Number(part ?? 0));
    const wall = Date.UTC(year, month - 1, day, hour, minute, second);
    // A day before and after, the clocks stand as they do before and after whatever change there is.
    const ahead = new Set([wall - DAY_MS, wall + DAY_MS].map((ms) => this.aheadMs(ms)));
    const found = [...ahead].map((offset) => wall - offset).filter((ms) => ms + this.aheadMs(ms) === wall);
    if (found.length === 1) return { ms: found[0] };
    if (found.length === 0) return { problem: "There is no such time: the clocks are put forward then." };
    return { problem: "There is that time twice, as the clocks are put back: choose another, or UTC for the page." };
  }

  /** As `read` takes it. @param {number} ms epoch @returns {string} */
  written(ms) {
    return this.#local(ms / 1_000)
      .toISOString()
      .slice(0, 19);
  }

  /** A date whose UTC fields are what the clocks of the zone show. @param {number} timestamp epoch seconds */
  #local(timestamp) {
    const ms = timestamp * 1_000;
    return new Date(ms + this.aheadMs(ms));
  }
}

export const UTC = new Times("UTC");

/** The day of a candle of a whole day, which is one of UTC wherever one is. @param {number} time epoch seconds */
export function candleDay(time) {
  const then = new Date(time * 1_000);
  return `${dayOf(then)} ${then.getUTCFullYear()}`;
}

/** @param {Date} local */
function dayOf(local) {
  return `${local.getUTCDate()} ${MONTHS[local.getUTCMonth()]}`;
}

/** @param {Date} local */
function minuteOf(local) {
  return local.toISOString().slice(11, 16);
}

/** @param {number} number */
function two(number) {
  return String(number).padStart(2, "0");
}
