'use strict';
// What stands in the Markdown files that people read: their code blocks, headings and links.

const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('./child');

/** README.md and the pages of docs/, as seen from the repository. */
function pages() {
  const docs = fs.readdirSync(path.join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', ...docs.toSorted().map((name) => `docs/${name}`)];
}

function read(page) {
  return fs.readFileSync(path.join(ROOT, page), 'utf8');
}

/**
 * @typedef {object} Block
 * @property {string} language the first word behind the fence
 * @property {string[]} marks the other words
 * @property {string} text
 * @property {number} line of its first line in the page
 * @property {Block | undefined} next the block that follows with nothing but an empty line in between
 */

/**
 * @param {string} page
 * @returns {Block[]}
 */
function blocksOf(page) {
  const text = read(page);
  const found = [];
  for (const match of text.matchAll(/^( *)```(\S*)([^\n]*)\n([\s\S]*?)^\1```$/gm)) {
    const line = text.slice(0, match.index).split('\n').length + 1;
    const end = match.index + match[0].length;
    const before = found.at(-1);
    const [, indent, language, words, body] = match;
    const marks = words.split(' ').filter(Boolean);
    const block = {
      language,
      marks,
      text: body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      line,
      next: undefined,
    };
    if (before !== undefined && text.slice(before.end, match.index).trim() === '') before.block.next = block;
    found.push({ block, end });
  }
  return found.map(({ block }) => block);
}

/** A page without its code blocks, in which nothing is a link or a heading. */
function prose(page) {
  return read(page).replace(/^( *)```[\s\S]*?^\1```$/gm, '');
}

/** The anchors that GitHub gives the headings of a page. */
function anchorsOf(page) {
  const headings = [...prose(page).matchAll(/^#+ (.*)$/gm)].map(([, text]) => text);
  return headings.map((text) =>
    text
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** What the links and pictures of a page point to. @returns {string[]} */
function linksOf(page) {
  const text = prose(page).replace(/`[^`\n]*`/g, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);
}

module.exports = { pages, blocksOf, anchorsOf, linksOf };
