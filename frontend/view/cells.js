/**
 * Small pieces of DOM the tables share. Text goes in by textContent only.
 * Layer: view.
 */

import { grouped } from "../model/decimal.js";

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** @param {number} timestamp epoch seconds @returns {string} local time of day */
export function clockTime(timestamp) {
  return CLOCK.format(timestamp * 1000);
}

/**
 * @param {string} tag
 * @param {string} [className]
 * @param {string} [text]
 */
export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** Set the text only when it differs: an equal text costs no layout. @param {Node} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** A number whose closing zeros are dimmed, so that columns align and sizes can be read at a glance. */
export class NumberText {
  #significant = element("span");
  #zeros = element("span", "zeros");

  /** @param {Element} parent */
  constructor(parent) {
    parent.append(this.#significant, this.#zeros);
  }

  /** @param {string} text a decimal, or "" */
  show(text) {
    const significant = text.includes(".") ? text.replace(/\.?0+$/, "") : text;
    const whole = grouped(text);
    const zeros = text.length - significant.length;
    setText(this.#significant, zeros ? whole.slice(0, -zeros) : whole);
    setText(this.#zeros, zeros ? whole.slice(-zeros) : "");
  }
}

/**
 * Table rows kept by key: a row that stays is the same element, so focus and clicks survive updates.
 * @template Item
 */
export class KeyedRows {
  #body;
  #keyOf;
  #make;
  /** @type {Map<string, {row: HTMLTableRowElement, update: (item: Item) => void}>} */ #rows = new Map();

  /**
   * @param {HTMLTableSectionElement} body
   * @param {(item: Item) => string} keyOf
   * @param {(item: Item) => {row: HTMLTableRowElement, update: (item: Item) => void}} make a row and how to refresh it
   */
  constructor(body, keyOf, make) {
    this.#body = body;
    this.#keyOf = keyOf;
    this.#make = make;
  }

  /** @param {Item[]} items in the order they are shown. O(items). */
  show(items) {
    const gone = new Set(this.#rows.keys());
    let next = this.#body.firstElementChild;
    for (const item of items) {
      const key = this.#keyOf(item);
      gone.delete(key);
      let known = this.#rows.get(key);
      if (!known) this.#rows.set(key, (known = this.#make(item)));
      known.update(item);
      if (known.row === next) next = next.nextElementSibling;
      else this.#body.insertBefore(known.row, next);
    }
    for (const key of gone) {
      this.#rows.get(key).row.remove();
      this.#rows.delete(key);
    }
  }
}
