'use strict';
// Every JavaScript block of README.md and docs/ runs as it is printed, and prints what the block below it says.
//
// Words behind the fence say what a block is: `js` a program; `js store` one that needs a Redis server, whose address takes
// the place of redis://localhost; `js fragment` a part of one, of which only the syntax is checked.

const { describe, it } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { transform } = require('esbuild');
const { ROOT } = require('./support/child');
const { pages, blocksOf, anchorsOf, linksOf } = require('./support/markdown');
const { useRedis, withoutRedis } = require('./support/redis');

/** Blocks that are no program of ours: commands, what they print, tables of a database, settings. */
const OTHER_LANGUAGES = ['sh', 'console', 'text', 'sql', 'json', 'ini', 'yaml', 'dockerfile'];
const MARKS = ['fragment', 'store'];
/** Milliseconds after which a program hangs. */
const LIMIT = 60_000;

const all = pages().flatMap((page) => blocksOf(page).map((block) => ({ page, ...block })));
const code = all.filter(({ language }) => ['js', 'ts'].includes(language));
const programs = code.filter(({ marks }) => !marks.includes('fragment'));
const nameOf = ({ page, line }) => `${page}:${line}`;

/** @returns {Promise<{ code: number | null, stdout: string, stderr: string }>} */
function runProgram(text, redis) {
  const isModule = /^(import|await) |^const .*= await /m.test(text);
  const source = redis === undefined ? text : text.replaceAll('redis://localhost', redis.url);
  const type = isModule ? 'module' : 'commonjs';
  const child = spawn(process.execPath, [`--input-type=${type}`, '--eval', source], {
    cwd: ROOT,
    timeout: LIMIT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const result = { code: null, stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (piece) => (result[name] += piece));
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...result, code }));
  });
}

/** Runs it, and compares what it prints with the block `text` below it, if there is one. */
async function check(block, redis) {
  const { code, stdout, stderr } = await runProgram(block.text, redis);
  assert.equal(code, 0, stdout + stderr);
  if (block.next?.language === 'text') assert.equal(stdout, block.next.text);
}

describe('a program of the documentation', () => {
  for (const block of programs.filter(({ marks }) => !marks.includes('store'))) {
    it(`${nameOf(block)} runs`, () => check(block));
  }
});

describe('a program of the documentation that uses a store', { skip: withoutRedis }, () => {
  const redis = useRedis();
  for (const block of programs.filter(({ marks }) => marks.includes('store'))) {
    it(`${nameOf(block)} runs`, () => check(block, redis));
  }
});

describe('a fragment of the documentation', () => {
  for (const block of code.filter(({ marks }) => marks.includes('fragment'))) {
    it(`${nameOf(block)} is JavaScript`, () =>
      transform(block.text, { loader: block.language, format: 'esm' }));
  }
});

describe('the documentation', () => {
  it('has no code block of another kind', () => {
    const others = all.filter((block) => !code.includes(block));
    const unknown = others.filter(({ language }) => !OTHER_LANGUAGES.includes(language));
    const marked = code.filter(({ marks }) => marks.some((mark) => !MARKS.includes(mark)));
    assert.deepEqual([...unknown, ...marked].map(nameOf), []);
  });

  it('has programs, fragments and programs that use a store', () => {
    assert.ok(programs.length > 10, `${programs.length} programs`);
    assert.ok(programs.some(({ marks }) => marks.includes('store')));
  });

  for (const page of pages()) {
    it(`${page} has no broken link`, () => {
      const broken = linksOf(page).filter((target) => !/^[a-z]+:/.test(target) && !exists(page, target));
      assert.deepEqual(broken, []);
    });
  }
});

/** Whether a file, or a heading of a page, is there. */
function exists(page, target) {
  const [file, anchor] = target.split('#');
  const found = file === '' ? page : path.join(path.dirname(page), file);
  if (!fs.existsSync(path.join(ROOT, found))) return false;
  return anchor === undefined || (found.endsWith('.md') && anchorsOf(found).includes(anchor));
}
