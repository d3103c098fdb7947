/**
 * Own fills, announced: to a screen reader always; by a notification and a sound when asked for.
 * Layer: view.
 */

import { useEffect, useState } from "preact/hooks";

import { describeFills, FillNotices as Notices } from "../../model/orders/fill-notices.js";
import { chime } from "../parts/chime.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";

/** Fills that come together are announced together. */
const GATHER_MS = 400;
const SENTENCES_MAX = 3;

export function FillNotices() {
  const { market, portfolio, workspace } = useServices();
  const [said, say] = useState("");
  useEffect(() => {
    const notices = new Notices();
    let timer = 0;
    const announce = () => {
      timer = 0;
      const sentences = describeFills(notices.take(portfolio.fills), market.instruments);
      if (sentences.length === 0) return;
      const text = inShort(sentences);
      say(text);
      if (workspace.recall("fills.sound", false)) chime();
      if (workspace.recall("fills.notify", false)) notify(text);
    };
    const request = () => (timer ||= setTimeout(announce, GATHER_MS));
    const forget = () => say("");
    portfolio.addEventListener("fills", request);
    portfolio.addEventListener("switch", forget);
    return () => {
      clearTimeout(timer);
      portfolio.removeEventListener("fills", request);
      portfolio.removeEventListener("switch", forget);
    };
  }, [market, portfolio, workspace]);
  return html`<p class="visually-hidden" id="fill-notice" role="status" aria-live="polite">${said}</p>`;
}

/** @param {string[]} sentences */
function inShort(sentences) {
  const more = sentences.length - SENTENCES_MAX;
  return sentences.slice(0, SENTENCES_MAX).join(" ") + (more > 0 ? ` And ${more} more orders.` : "");
}

/** Whoever looks at the page sees the fill there. @param {string} text */
function notify(text) {
  if (document.hasFocus() || !("Notification" in window) || Notification.permission !== "granted") return;
  new Notification("Openbell: filled", { body: text, tag: "openbell-fill", silent: true });
}
