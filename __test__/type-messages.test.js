'use strict';
// What TypeScript says of a wrong call names what is wrong with it: the key, and not an array that nobody meant.

const { it } = require('node:test');
const assert = require('node:assert/strict');
const path = require('node:path');
const ts = require('typescript');
const { ROOT } = require('./support/child');

/** As a file beside those that test the types. */
const FILE = path.join(ROOT, '__test__/types/messages.mts');

/** The messages for one program. @returns {string[]} */
function messagesOf(program) {
  const options = {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    strict: true,
    noEmit: true,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists } = host;
  host.readFile = (file) => (file === FILE ? program : readFile(file));
  host.fileExists = (file) => file === FILE || fileExists(file);
  const { getSourceFile } = host;
  host.getSourceFile = (file, ...rest) =>
    file === FILE ? ts.createSourceFile(file, program, ts.ScriptTarget.ES2023) : getSourceFile(file, ...rest);
  const compiled = ts.createProgram([FILE], options, host);
  const source = compiled.getSourceFile(FILE);
  return compiled
    .getSemanticDiagnostics(source)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

it('a wrong key is reported as a key', () => {
  const [withFunction, withOptions] = messagesOf(`
    import { Locks } from 'latchkey';
    const locks = new Locks();
    declare const key: string | undefined;
    locks.write(key, () => 1);
    locks.read(key, { timeout: 1 }, () => 1);
  `);
  for (const message of [withFunction, withOptions]) {
    assert.match(message, /parameter of type 'KeyOrKeys'/);
    assert.doesNotMatch(message, /readonly Key\[\]/);
  }
});
