'use strict';
// How console.log and util.inspect show an object whose state is private: by what it says of itself.

const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/**
 * Has the objects of a class shown by `describe`, with the properties that a program has given them.
 *
 * @param {Function} shown its prototype is changed
 * @param {(object: any) => object | null} describe null for one that was not constructed
 */
function showAs(shown, describe) {
  /**
   * @this {any}
   * @param {number} depth how much deeper to look
   * @param {any} options
   * @param {(object: object, options: object) => string} inspect
   */
  function custom(depth, options, inspect) {
    const name = this.constructor?.name ?? shown.name;
    if (depth < 0) return options.stylize(`[${name}]`, 'special');
    return `${name} ${inspect({ ...describe(this), ...this }, { ...options, depth })}`;
  }
  Object.defineProperty(shown.prototype, INSPECT, { value: custom, configurable: true, writable: true });
}

module.exports = { showAs };
