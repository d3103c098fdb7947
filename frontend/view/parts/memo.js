/**
 * A component that is drawn again only when one of its properties is another one: for the rows of long tables.
 * Layer: view.
 */

import { Component, h } from "preact";

/**
 * @template Props
 * @param {(props: Props) => any} view
 * @returns {import("preact").ComponentClass<Props>}
 */
export function memo(view) {
  return class Remembered extends Component {
    /** @param {any} next */
    shouldComponentUpdate(next) {
      const names = Object.keys(next);
      return (
        names.length !== Object.keys(this.props).length ||
        names.some((name) => next[name] !== Reflect.get(this.props, name))
      );
    }

    render() {
      return h(view, this.props);
    }
  };
}
