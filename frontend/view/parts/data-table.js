/**
 * A table that scrolls in its panel: columns of fixed width on a wide screen, a card for each row where it is narrow.
 * Its roles are written out, since a table that is laid out as cards is none for the browser any more.
 * Layer: view.
 */

import { html } from "./html.js";

/**
 * @typedef {object} Column
 * @property {string} name
 * @property {string} title
 * @property {number} [width] in em; without it the column takes what is left
 * @property {"text" | "number"} [kind] numbers stand to the right
 * @property {"wide" | "widest"} [only] left out where it is narrow
 * @property {boolean} [sorts] whether the table can be sorted by it
 * @property {boolean} [unnamed] its title is only spoken
 */
/** @typedef {{by: string, down: boolean}} Sort */

/**
 * @param {object} props
 * @param {string} props.id
 * @param {string} props.label
 * @param {readonly Column[]} props.columns
 * @param {Sort | null} [props.sort]
 * @param {((sort: Sort) => void) | null} [props.onSort]
 * @param {any} props.children rows
 * @param {any} [props.after] what stands below the rows
 */
export function DataTable({ id, label, columns, sort = null, onSort = null, children, after = null }) {
  return html`
    <div class="scroller" id=${id} tabindex="0" role="region" aria-label=${label}>
      <table class="data" role="table" aria-label=${label}>
        <colgroup>${columns.map(
          ({ name, width, only }) => html`<col key=${name} class=${only ?? ""}
          style=${width ? { "--width": width } : null} />`,
        )}</colgroup>
        <thead role="rowgroup">
          <tr role="row">${columns.map(
            (column) => html`<${Head} key=${column.name} column=${column} sort=${sort}
            onSort=${onSort} />`,
          )}</tr>
        </thead>
        <tbody role="rowgroup">${children}</tbody>
      </table>
      ${after}
    </div>`;
}

/** @param {{column: Column, sort: Sort | null, onSort: (sort: Sort) => void}} props */
function Head({ column: { name, title, kind = "text", only, sorts = false, unnamed = false }, sort, onSort }) {
  const sorted = sort?.by === name;
  const order = sorts ? (sorted ? (sort.down ? "descending" : "ascending") : "none") : null;
  const text = unnamed ? html`<span class="visually-hidden">${title}</span>` : title;
  return html`
    <th scope="col" role="columnheader" class=${`${kind} ${only ?? ""}`} aria-sort=${order}>
      ${
        sorts
          ? html`<button type="button" class="sorter"
            onClick=${() => onSort({ by: name, down: sorted ? !sort.down : kind === "number" })}>${text}</button>`
          : text
      }
    </th>`;
}

/**
 * A cell; its label is shown where the row is a card.
 * @param {{label: string, kind?: "text" | "number", only?: string, class?: string, title?: string | null, children:
 *   any}}
 *   props
 */
export function Cell({ label, kind = "text", only = "", class: name = "", title = null, children, ...rest }) {
  return html`<td role="cell" class=${`${kind} ${only} ${name} ${children === "–" || children === "" ? "none" : ""}`}
    data-label=${label} title=${title} ...${rest}>${children}</td>`;
}
