'use strict';
// Loads the package's CommonJS files inside a vm context, with a module registry of its own, as Jest does.

const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');
const { createRequire } = require('node:module');

/**
 * @param {string} entry an absolute path
 * @returns {any} its exports, made in a new context
 */
function loadInContext(entry) {
  const context = vm.createContext({ process, console, setTimeout, setImmediate });
  const modules = new Map();
  const load = (file) => {
    if (modules.has(file)) return modules.get(file).exports;
    const module = { exports: {} };
    modules.set(file, module);
    const real = createRequire(file);
    const inside = (name) => {
      const resolved = real.resolve(name);
      return path.isAbsolute(resolved) && resolved.endsWith('.js') ? load(resolved) : real(name);
    };
    const parameters = ['module', 'exports', 'require', '__filename', '__dirname'];
    const options = { filename: file, parsingContext: context };
    const run = vm.compileFunction(fs.readFileSync(file, 'utf8'), parameters, options);
    run(module, module.exports, inside, file, path.dirname(file));
    return module.exports;
  };
  return load(entry);
}

module.exports = { loadInContext };
