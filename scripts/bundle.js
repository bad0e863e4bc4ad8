// Makes the two files that a release has in place of index.js and lib/: Node's loader takes about as long for each
// small file as for what is in it.
//
// - index.js has what `require('latchkey')` needs.
// - lib/apis/first-lock.js has the rest, which the first lock object loads. It is a function, and is given the modules that
//   both need: a test runner that clears its modules in between, as Jest does, cannot make it load those anew.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('./command');

const LIB = path.join(ROOT, 'lib');
/** The files of lib/ that lib/apis/first-lock.js is given by index.js. */
const SHARED = [
  ...['addon/native', 'apis/arguments', 'errors', 'events/request', 'events/snapshot', 'requests/hold'],
  ...['requests/caller', 'trace'],
];

/** Stands in for lib/apis/first-lock.js in index.js. */
const FIRST_LOCK = `
  const shared = { ${SHARED.map((name) => `'${name}': require('./${name}')`).join(', ')} };
  const load = () => require('./lib/apis/first-lock.js')(shared)();
  // Only Node can show a worker afterwards which copies its process has loaded: see copies.js.
  let parts = process.versions.bun || process.versions.deno ? load() : undefined;
  module.exports = () => (parts ??= load());
`;

/** What index.js has in place of some files of lib/. */
const IN_INDEX = {
  'apis/first-lock': FIRST_LOCK,
  version: `module.exports = '${require('../package.json').version}';`,
};

/** What `require` needs. The addon is found as from a folder of lib/, where the sources are. */
function bundleIndex() {
  // An ES module that imports the package learns the names from this line, which is never run.
  const names = `0 && (module.exports = { ${exportedNames().join(', ')} });`;
  return bundleOne('./index.js', {
    outfile: 'index.js',
    external: ['./native/binding.js', './lib/apis/first-lock.js'],
    define: { __dirname: 'LIB' },
    banner: { js: "'use strict';\nconst LIB = `${__dirname}/lib/apis`;" },
    footer: { js: names },
    plugins: [replace(Object.keys(IN_INDEX), (name) => IN_INDEX[name])],
  });
}

/** What index.js exports. Not by loading it, which takes an addon of this machine and of this version. */
function exportedNames() {
  const text = fs.readFileSync(path.join(ROOT, 'index.js'), 'utf8');
  return Array.from(text.matchAll(/^module\.exports\.(\w+) =/gm), ([, name]) => name);
}

/** What the first lock object needs beyond that. */
function bundleFirstLock() {
  return bundleOne('./lib/apis/first-lock.js', {
    outfile: 'lib/apis/first-lock.js',
    banner: { js: `'use strict';\nmodule.exports = (shared, module = { exports: {} }) => {` },
    footer: { js: 'return module.exports;\n};' },
    plugins: [replace(SHARED, (name) => `module.exports = shared['${name}'];`)],
  });
}

/** Not minified, so that stack traces say something. Resolves to the text, and the files that are in it. */
async function bundleOne(entry, options) {
  // Not before it is needed: set-up may have to install it first.
  const { build } = require('esbuild');
  const { outputFiles, metafile } = await build({
    // Not the file itself, whose own names would then be in the way of all others.
    stdin: { contents: `module.exports = require('${entry}');`, resolveDir: ROOT },
    absWorkingDir: ROOT,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    metafile: true,
    write: false,
    ...options,
  });
  return { text: outputFiles[0].text, sources: Object.keys(metafile.inputs).filter(isSource) };
}

/** Whether a file, as seen from the repository, is one of those that are bundled. */
function isSource(file) {
  return file === 'index.js' || file.startsWith('lib/');
}

/** Has the text of some files of lib/ taken from here. */
function replace(names, textOf) {
  const nameOf = new Map(names.map((name) => [path.join(LIB, name), name]));
  return {
    name: 'replace',
    setup(build) {
      build.onResolve({ filter: /^\./ }, ({ path: file, resolveDir }) => {
        const name = nameOf.get(path.resolve(resolveDir, file));
        return name === undefined ? undefined : { path: name, namespace: 'replaced' };
      });
      build.onLoad({ filter: /./, namespace: 'replaced' }, ({ path: name }) => ({
        contents: textOf(name),
        resolveDir: LIB,
      }));
    },
  };
}

/** An entry of its own for one API, which is a property of what index.js exports. */
function apiOf(name) {
  return `'use strict';
const { ${name} } = require('../../index.js');
module.exports = ${name};
module.exports.${name} = ${name};
`;
}

/** Resolves to the texts of all JavaScript files of a release, by their paths. */
async function bundle() {
  const [index, firstLock] = await Promise.all([bundleIndex(), bundleFirstLock()]);
  const twice = index.sources.filter((file) => firstLock.sources.includes(file));
  // There would be two of everything in it.
  if (twice.length > 0) throw new Error(`Both bundles have ${twice.join(', ')}: see SHARED in ${__filename}`);
  return {
    'index.js': index.text,
    'lib/apis/first-lock.js': firstLock.text,
    'lib/apis/alock.js': apiOf('lock'),
    'lib/apis/rwlock-plus.js': apiOf('Lock'),
  };
}

module.exports = { bundle, isSource };
