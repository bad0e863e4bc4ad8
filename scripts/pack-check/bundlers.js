// Bundles and traces a program that uses the packed package, and runs what comes out where no node_modules are: it has to work,
// or the bundler or the program has to say what is missing.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { run } = require('../command');
const { installPinned } = require('../pinned');
const { plainEnvironment } = require('./install');
const { installRuntimes } = require('./runtimes');

const PROGRAM = 'bundled.cjs';
const OUTPUT = 'private\nworker\n';

/**
 * The checks, each `{ title, body }`.
 *
 * @param {string} app a folder in which latchkey is installed
 * @param {string} work an empty one
 */
async function bundlerChecks(app, work) {
  const modules = await installPinned('bundlers');
  const entry = path.join(app, PROGRAM);
  fs.copyFileSync(path.join(__dirname, 'consumers', PROGRAM), entry);
  const env = plainEnvironment(work);
  const binary = findBinary(app);
  const tools = {
    esbuild: esbuildOf(entry),
    webpack: webpackOf(entry, modules),
    trace: traceOf(entry, modules),
  };
  const program = { env, binary, app };
  return [
    ...esbuildChecks(tools, path.join(work, 'esbuild'), program),
    ...webpackChecks(tools, path.join(work, 'webpack'), program),
    {
      title: 'a traced copy, as of Next.js standalone',
      body: async () => expectOutput(await tools.trace(path.join(work, 'traced')), env),
    },
    {
      title: 'a single executable of Node, with NAPI_RS_NATIVE_LIBRARY_PATH',
      body: () => checkSingleExecutable(tools, path.join(work, 'single'), program),
    },
  ];
}

function esbuildChecks({ esbuild }, out, { env, binary, app }) {
  return [
    {
      title: 'esbuild, with .node files copied',
      body: async () => {
        await expectOutput(await esbuild(path.join(out, 'copied'), { loader: { '.node': 'copy' } }), env);
      },
    },
    {
      title: 'esbuild, with latchkey left out',
      // Beside its node_modules.
      body: async () => {
        await expectOutput(await esbuild(path.join(app, 'dist'), { external: ['latchkey'] }), env);
      },
    },
    {
      title: 'esbuild without options refuses .node files',
      body: () => assert.rejects(esbuild(path.join(out, 'plain'), {}), /No loader is configured for ".node"/),
    },
    {
      title:
        'esbuild, without the binary: the error says what to do, and NAPI_RS_NATIVE_LIBRARY_PATH does it',
      body: async () => {
        const bundled = await esbuild(path.join(out, 'bare'), { external: ['@latchkey/*'] });
        await expectExplanation([process.execPath, [bundled]], env);
        await expectOutput(bundled, { ...env, NAPI_RS_NATIVE_LIBRARY_PATH: binary });
      },
    },
  ];
}

function webpackChecks({ webpack }, out, { env, app }) {
  return [
    {
      title: 'webpack, with latchkey left out',
      body: async () => {
        const externals = { latchkey: 'commonjs latchkey' };
        await expectOutput(await webpack(path.join(app, 'webpack'), { externals }), env);
      },
    },
    {
      title: 'webpack, with node-loader',
      body: async () => {
        const rules = [{ test: /\.node$/, loader: 'node-loader' }];
        await expectOutput(await webpack(path.join(out, 'loader'), { module: { rules } }), env);
      },
    },
    {
      title: 'webpack without options refuses .node files',
      body: () => assert.rejects(webpack(path.join(out, 'plain'), {}), /You may need an appropriate loader/),
    },
  ];
}

function esbuildOf(entry) {
  return async (folder, options) => {
    const outfile = path.join(folder, 'main.js');
    const build = { entryPoints: [entry], bundle: true, platform: 'node', logLevel: 'silent', outfile };
    await require('esbuild').build({ ...build, ...options });
    return outfile;
  };
}

function webpackOf(entry, modules) {
  return (folder, options) => {
    const webpack = require(path.join(modules, 'webpack'));
    const settings = {
      mode: 'production',
      target: 'node',
      entry,
      output: { path: folder },
      // Only takes time.
      optimization: { minimize: false },
      resolveLoader: { modules: [modules] },
    };
    return new Promise((resolve, reject) => {
      webpack({ ...settings, ...options }, (error, stats) => {
        if (error) return reject(error);
        const { errors } = stats.toJson({ all: false, errors: true });
        if (errors.length > 0) return reject(new Error(errors.map(({ message }) => message).join('\n')));
        resolve(path.join(folder, 'main.js'));
      });
    });
  };
}

function traceOf(entry, modules) {
  return async (folder) => {
    const { nodeFileTrace } = require(path.join(modules, '@vercel/nft'));
    const base = path.dirname(entry);
    const { fileList } = await nodeFileTrace([entry], { base });
    for (const file of fileList) fs.cpSync(path.join(base, file), path.join(folder, file));
    return path.join(folder, PROGRAM);
  };
}

async function checkSingleExecutable({ esbuild }, folder, { env, binary }) {
  const [node] = await installRuntimes(['node26']);
  if (!node.file) return 'skipped: there is no pinned Node for this platform that can build one';
  const main = await esbuild(folder, { external: ['@latchkey/*'] });
  const config = path.join(folder, 'config.json');
  const output = path.join(folder, 'program');
  fs.writeFileSync(config, JSON.stringify({ main, output, disableExperimentalSEAWarning: true }));
  const built = await run([node.file, ['--build-sea', config]], { env });
  assert.equal(built.code, 0, built.output);
  await expectExplanation([output, []], env);
  // A worker of one has no file to run.
  const { stdout } = await run([output, []], { env: { ...env, NAPI_RS_NATIVE_LIBRARY_PATH: binary } });
  assert.match(stdout, /^private$/m);
}

async function expectOutput(file, env) {
  const { code, output } = await run([process.execPath, [file]], { env });
  assert.deepEqual({ code, output }, { code: 0, output: OUTPUT });
}

async function expectExplanation(command, env) {
  const { output } = await run(command, { env });
  assert.match(output, /ERR_LATCHKEY_NO_BINARY/);
  assert.match(output, /a bundler has put latchkey into this program.*NAPI_RS_NATIVE_LIBRARY_PATH/);
}

/** The binary that npm installed there. */
function findBinary(app) {
  const scope = path.join(app, 'node_modules', '@latchkey');
  const [name] = fs.readdirSync(scope);
  return path.join(scope, name, require(path.join(scope, name, 'package.json')).main);
}

module.exports = { bundlerChecks };
