// Written for alock: the first example of its documentation. It needs only `npm install alock@npm:latchkey`.
// The documentation waits 1000 ms; this waits 300. Both calls share one key, so they run in the order they asked.

var lock = require('alock');

lock('console-log', function (done) {
  setTimeout(function () {
    console.log('First!');
    done();
  }, 300);
});

lock('console-log', function (done) {
  setImmediate(function () {
    console.log('Second!');
    done();
  });
});
