'use strict';
// Where a Lock keeps what is its own: a name that no program uses by accident. An object that inherits from
// Lock and has nothing there has not been constructed yet.

module.exports = Symbol('latchkey.state');
