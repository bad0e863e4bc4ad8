// Runs other programs for the scripts here, without a shell and without any dependency.
'use strict';

const { spawn } = require('node:child_process');
const path = require('node:path');

const ROOT = path.join(__dirname, '..');

/** npm's command line: the npm that started this script if there is one, else the one on the PATH. */
function npm(...args) {
  const cli = process.env.npm_execpath;
  if (cli && path.basename(cli) === 'npm-cli.js') return [process.execPath, [cli, ...args]];
  return ['npm', args];
}

/**
 * Runs `[file, args]` and resolves to its exit code, its standard output, and all it wrote (`output`). With
 * `stream: true` it is shown as it comes, too. A program that does not exist has the exit code 127, as in a
 * shell; one that is still running after `timeout` milliseconds is ended.
 */
function run([file, args], { stream = false, cwd = ROOT, env = process.env, timeout } = {}) {
  return new Promise((resolve) => {
    let stdout = '';
    let output = '';
    // On Windows npm is a .cmd file, which only a shell can start.
    const shell = process.platform === 'win32' && file === 'npm';
    const child = spawn(file, args, { cwd, env, shell, timeout, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8');
      child[name].on('data', (text) => {
        output += text;
        if (name === 'stdout') stdout += text;
        if (stream) process[name].write(text);
      });
    }
    child.on('error', (error) => resolve({ code: 127, stdout, output: `${file}: ${error.message}\n` }));
    child.on('close', (code, signal) => {
      if (signal) output += `\n${file} was ended by ${signal}\n`;
      resolve({ code: code ?? 1, stdout, output });
    });
  });
}

/** Runs a command that must succeed: resolves to its standard output, or throws an error with all it wrote. */
async function must(command, options) {
  const { code, stdout, output } = await run(command, options);
  if (code !== 0) throw new Error(`${command.flat().join(' ')} failed with exit code ${code}:\n${output}`);
  return stdout;
}

module.exports = { ROOT, npm, run, must };
