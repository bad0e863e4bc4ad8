-- What every script begins with, before anything that takes time: where things stand, and how long they are kept.
--
-- A bucket is a set of locks whose keys live in one slot of the server. Its own keys, all of them bookkeeping:
--   KEYS[1] sessions  ZSET    session -> when its lease ends, in ms; 0: it ended itself
--   KEYS[2] owners    ZSET    '<id>|<mode>|<expiry ms>|<asker>|<name>', one for each request that waits or holds;
--                             all scores are 0, so that it is a table sorted by id, in which a session's requests
--                             stand together. Before them, one entry for each session: see `lease_entry` in bucket.lua
--   KEYS[3] expired   ZSET    id of a hold that expired -> when, in ms; kept an hour, for a late release to learn of it
--   KEYS[4] epoch     HASH    run: the server's run id; until: when the freeze ends, in ms; tick: the last one given out;
--                             layout: see beat.lua; clock: when the last beat came, in ms; <session> ->
--                             '<generation>|<when its lease ends, as in sessions>|<its length in ms>|<who>', unless it
--                             ended itself;
--                             clear:<session> -> since when somebody clears that dead session, in ms
-- Scripts that work on one lock have three more, and those that work on several have three for each:
--   KEYS[5] holders   HASH    see holds.lua
--   KEYS[6] queue     ZSET    id -> ticket
--   KEYS[7] dues      ZSET    see holds.lua
--
-- Each script's first arguments:
--   ARGV[1] what the sessions' channels begin with; the session's id follows
--   ARGV[2] the run id of the server that the caller's connection reached; '' where it cannot be known
--   ARGV[3] since when that server may have missed something, in ms of its own clock: since it started; '' for now, where
--           it took over from another one
--   ARGV[4] the caller's lease in ms: a freeze lasts so long at least
--   ARGV[5] the request, or the session, that it is about (poke.lua and inspect.lua have none)
--
-- Ids: a session is '<letters and digits>', a request '<session>.<number>' or '<session>.<number>-<attempt>'. Modes: 'r'
-- reads, 'w' writes.
-- Askers, for people: '<thread>', or '<thread>:<label>', in which '%' and '|' are '%25' and '%7C'.
-- Times are the server's. Numbers that are written as text go through `digits`: Lua's own conversion keeps 14 digits.

local call = redis.call
local SESSIONS, OWNERS, EXPIRED, EPOCH, HOLDERS, QUEUE, DUES = unpack(KEYS)

-- Every key lives at most so long after its last use: 30 days, in ms. While anybody is there, beats keep the
-- bookkeeping alive, and a daily reclaim the holds; so this only clears up after all have died and nobody ever came
-- back. It is also how long an idle key is remembered as recovered: whoever left data half written looks after it
-- within a month.
--
-- As a text: the server would have to write a number as one each time.
local KEEP = '2592000000'
