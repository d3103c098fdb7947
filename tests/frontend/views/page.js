/** A document without a browser, in which a test draws a view, presses, types and reads. */
import { Window } from "happy-dom";

const window = new Window({ url: "http://127.0.0.1:5000/" });
/** The size that every element has; a test of what fits sets it. */
export const size = { height: 0 };

class ResizeObserver {
  constructor(callback) {
    this.callback = callback;
  }

  observe(element) {
    this.callback([{ target: element, contentRect: { width: 0, height: size.height } }]);
  }

  disconnect() {}
}

Object.defineProperty(window.HTMLElement.prototype, "clientHeight", { get: () => size.height });
// It has no `:enabled`.
for (const name of ["querySelector", "querySelectorAll"]) {
  const found = window.Element.prototype[name];
  window.Element.prototype[name] = function find(selector) {
    return found.call(this, selector.replaceAll(":enabled", ":not([disabled])"));
  };
}
Object.assign(globalThis, {
  window,
  document: window.document,
  location: window.location,
  HTMLElement: window.HTMLElement,
  WheelEvent: window.WheelEvent,
  ResizeObserver,
  matchMedia: () => new EventTarget(),
  getComputedStyle: () => ({ fontSize: "16px", color: "rgb(1, 2, 3)", getPropertyValue: () => "1rem" }),
  requestAnimationFrame: (draw) => setTimeout(draw, 0),
  cancelAnimationFrame: clearTimeout,
});

// Only now, for they look at the document when they are read.
const { h, render } = await import("preact");
const { Services } = await import("../../../frontend/view/parts/services.js");

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * More than the pace at which the page is drawn, in short steps one behind the other: on a busy machine, where a step
 * takes long, what was set off meanwhile has its turn before the last.
 */
export async function drawn(ms = 100) {
  for (let waited = 0; waited < ms; waited += 10) await pause(10);
}

/** Draw a view, until the test is over. @returns {Promise<HTMLElement>} what it is drawn in */
export async function draw(context, view, services, props = {}) {
  const root = document.createElement("div");
  document.body.append(root);
  render(h(Services.Provider, { value: services }, h(view, props)), root);
  context.after(async () => {
    render(null, root);
    root.remove();
    services.entry?.preview.forget();
    await drawn();
  });
  await drawn();
  return root;
}

/** Every text of what matches, with single spaces. */
export function texts(root, selector) {
  return [...root.querySelectorAll(selector)].map(textOf);
}

/** As it is read. */
export function textOf({ textContent }) {
  return textContent.replace(/\s+/g, " ").trim();
}

/** A press of the pointer; or of a key, which has no `detail`. */
export async function press(element, detail = 1) {
  element.focus();
  element.dispatchEvent(new window.MouseEvent("pointerdown", { bubbles: true, cancelable: true }));
  element.dispatchEvent(new window.MouseEvent("click", { bubbles: true, cancelable: true, detail }));
  await drawn();
}

export async function key(element, name, more = {}) {
  const event = new window.KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true, ...more });
  element.dispatchEvent(event);
  await drawn();
  return event.defaultPrevented;
}

export async function type(element, text) {
  element.value = text;
  element.dispatchEvent(new window.Event("input", { bubbles: true }));
  await drawn();
}

export async function submit(form) {
  form.dispatchEvent(new window.Event("submit", { bubbles: true, cancelable: true }));
  await drawn();
}
