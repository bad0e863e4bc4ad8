// Runs a program written for alock or rwlock-plus, unchanged, on the latchkey of this repository. In your own
// project `npm install alock@npm:latchkey` does it; here, where nothing is installed under those names, do:
//
//     node examples/run.js examples/first-second.js

const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const vm = require('node:vm');

/**
 * Runs `file` as CommonJS, with `packages` under the names it asks for and `console` as its console.
 * It has `require` and `console`; not `module`, `exports`, `__filename` or `__dirname`.
 */
function run(file, packages, console) {
  const requireFromFile = createRequire(file);
  const require = (name) => packages[name] ?? requireFromFile(name);
  const program = vm.compileFunction(fs.readFileSync(file, 'utf8'), ['require', 'console'], {
    filename: file,
  });
  program(require, console);
}

module.exports = { run };

if (require.main === module) {
  if (!process.argv[2]) {
    console.error('Say which program to run: node examples/run.js examples/first-second.js');
    process.exit(2);
  }
  const latchkey = require('latchkey');
  run(path.resolve(process.argv[2]), { alock: latchkey, 'rwlock-plus': latchkey }, console);
}
