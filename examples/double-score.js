// Written for alock: the race of its documentation. It needs only `npm install alock@npm:latchkey`.
// Two calls in quick succession each double a player's score, first without the lock, then with it.

var lock = require('alock');

// A key-value store that answers after a moment, as one across a network does.
var data = {};
var db = {
  get: function (key, callback) {
    setTimeout(function () {
      callback(null, data[key]);
    }, 50);
  },
  put: function (key, value, callback) {
    setTimeout(function () {
      data[key] = value;
      callback(null);
    }, 50);
  },
};

function doubleScore(call, done) {
  db.get('player1', function (err, value) {
    value = JSON.parse(value);
    console.log('  call ' + call + ' reads ' + value.score);
    value.score *= 2;
    db.put('player1', JSON.stringify(value), function () {
      console.log('  call ' + call + ' wrote ' + value.score);
      done();
    });
  });
}

function doubleScoreLocked(call, done) {
  lock('double-score', function (free) {
    doubleScore(call, function () {
      free();
      done();
    });
  });
}

function doubleTwice(title, double, callback) {
  var running = 2;
  function done() {
    running -= 1;
    if (running > 0) return;
    var score = JSON.parse(data.player1).score;
    console.log('  10 doubled twice: ' + score + (score === 40 ? ', right' : ', one update is lost'));
    callback();
  }

  console.log(title);
  data.player1 = JSON.stringify({ score: 10 });
  double(1, done);
  double(2, done);
}

doubleTwice('Without the lock', doubleScore, function () {
  doubleTwice('With the lock', doubleScoreLocked, function () {});
});
