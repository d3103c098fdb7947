/**
 * Views are written as tagged templates; what is put into them becomes text or attributes, never markup.
 * Layer: view.
 */

import htm from "htm";
import { h } from "preact";

/**
 * What may stand in a template: content, an attribute's value, a handler or a component.
 * @typedef {((...given: any[]) => any) | object | string | number | bigint | boolean | null | undefined} Hole
 */
/** @typedef {Event & {target: any, currentTarget: any}} DomEvent */
/** @typedef {KeyboardEvent & {target: any, currentTarget: any}} DomKeyEvent */
/** @typedef {MouseEvent & {target: any, currentTarget: any}} DomMouseEvent */

/** @type {(template: TemplateStringsArray, ...holes: Hole[]) => any} */
export const html = htm.bind(h);
