/**
 * Views are written as tagged templates; what is put into them becomes text or attributes, never markup.
 * Layer: view.
 */

import htm from "htm";
import { h } from "preact";

export const html = htm.bind(h);
