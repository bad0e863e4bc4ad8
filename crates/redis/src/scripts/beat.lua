-- Renews a session's lease, which covers all that its process holds and waits for in the bucket; opens a new session.
-- The first script on each connection, so that what an older connection still has under way is known as stale.
--
-- KEYS[1..4] and ARGV[1..5]: see layout.lua
-- ARGV[6]  session
-- ARGV[7]  1: open the session if the server does not know it
-- ARGV[8]  generation of the session's connection: rises with each one
-- ARGV[9]  who it is: '<pid>|<host>'
-- ARGV[10] layout: '<version of these scripts>:<number of buckets in the namespace>'
--
-- Replies:
--   kept <ms until the next other lease may end; -1: there is no other> <ms for which the bucket is frozen> <sessions>
--        the sessions are dead, and the caller's to clear (see reap.lua)
--   lost             the lease has ended before; the process needs a new session
--   layout <layout>  the namespace is in use with another layout; nothing was done

local IS_OPENING, GENERATION, WHO, LAYOUT = unpack(ARGV, 7, 10)
local MOST_TO_CLEAR = 16
-- Each dead session is one caller's to clear, since that takes a step for each of its requests. After so many ms it is
-- another one's: the first may have died over it.
local TIME_TO_CLEAR = 2000

local function renew()
  local generation = math.max(tonumber(GENERATION), tonumber(string.match(RECORD, '^%d+') or 0))
  write_though_full()
  local ends = digits(now + tonumber(LEASE))
  call('ZADD', SESSIONS, ends, SESSION)
  call('HSET', EPOCH, 'layout', LAYOUT, SESSION, table.concat({ digits(generation), ends, LEASE, WHO }, '|'))
  call('ZADD', OWNERS, '0', lease_entry(SESSION, LEASE))
  for _, key in ipairs({ SESSIONS, OWNERS, EPOCH }) do
    call('PEXPIRE', key, KEEP)
  end
end

local function next_lapse()
  local soonest = call('ZRANGEBYSCORE', SESSIONS, '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 2)
  local other = soonest[1] == SESSION and 4 or 2
  return soonest[other] and tonumber(soonest[other]) - now or -1
end

local function sessions_to_clear()
  local sessions = {}
  if FROZEN > 0 then
    return sessions
  end
  for _, dead in ipairs(call('ZRANGEBYSCORE', SESSIONS, '-inf', now, 'LIMIT', 0, MOST_TO_CLEAR)) do
    local since = tonumber(call('HGET', EPOCH, 'clear:' .. dead) or 0)
    if since + TIME_TO_CLEAR <= now then
      call('HSET', EPOCH, 'clear:' .. dead, digits(now))
      table.insert(sessions, dead)
    end
  end
  return sessions
end

local layout = call('HGET', EPOCH, 'layout')
if layout and layout ~= LAYOUT then
  return { 'layout', layout }
end
local lease = call('ZSCORE', SESSIONS, SESSION)
local may_return = FROZEN > 0 and not (lease and tonumber(lease) == 0)
local may_open = IS_OPENING == '1' and not lease
if not (is_alive(SESSION) or may_return or may_open) then
  return { 'lost' }
end
renew()
return { 'kept', next_lapse(), FROZEN, sessions_to_clear() }
