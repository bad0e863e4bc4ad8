'use strict';
// A floor: the function is called, and the promise it returns, which is resolved, awaited. No lock at all.

module.exports = { label: 'a resolved promise', open: () => ({ run: (_key, fn) => fn() }) };
