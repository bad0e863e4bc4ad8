-- Renews a session's lease, which covers all that its process holds and waits for in the bucket; opens a new session.
-- The first script on each connection, so that what an older connection still has under way is known as stale.
--
-- KEYS[1..4] and ARGV[1..4]: see layout.lua
-- ARGV[5]  session
-- ARGV[6]  1: open the session if the server does not know it
-- ARGV[7]  generation of the session's connection: rises with each one
-- ARGV[8]  who it is: '<pid>|<host>'
-- ARGV[9]  layout: '<version of these scripts>:<number of buckets in the namespace>'
-- ARGV[10] the highest fence or ticket that the process knows of; 0: none. None that is given out from now on is lower
--
-- Replies:
--   kept <ms until the next other lease may end; -1: there is no other> <ms for which the bucket is frozen> <sessions>
--        the sessions are dead, and the caller's to clear (see reap.lua)
--   lost             the lease has ended before; the process needs a new session
--   layout <layout>  the namespace is in use with another layout; nothing was done

local IS_OPENING, GENERATION, WHO, LAYOUT, KNOWN_TICK = unpack(ARGV, 6, 10)
local MOST_TO_CLEAR = 16
-- Each dead session is one caller's to clear, since that takes a step for each of its requests. After so many ms it is
-- another one's: the first may have died over it.
local TIME_TO_CLEAR = 2000

-- The server's clock has been set back: whoever has died since would be waited for so much longer. No lease ends later
-- than if its session had been heard of just now. One that lives is renewed before that. Of very many sessions, those with
-- the longest leases are looked at.
local function shorten_leases()
  for _, session in ipairs(call('ZREVRANGE', SESSIONS, 0, MOST_LEASES - 1)) do
    local record = call('HGET', EPOCH, session) or ''
    local generation, ends, lease, who = string.match(record, '^(%d+)|(%d+)|(%d+)|(.*)$')
    if generation and tonumber(ends) > now + tonumber(lease) then
      local sooner = digits(now + tonumber(lease))
      call('ZADD', SESSIONS, sooner, session)
      call('HSET', EPOCH, session, table.concat({ generation, sooner, lease, who }, '|'))
    end
  end
end

local function notice_step_back(clock)
  if not clock or tonumber(clock) <= now then
    return
  end
  write_though_full()
  shorten_leases()
  -- A freeze, too, ends no later than if it had begun just now.
  local ends = now + math.max(tonumber(LEASE), longest_lease(now))
  if FROZEN > 0 and now + FROZEN > ends then
    call('HSET', EPOCH, 'until', digits(ends))
    FROZEN = ends - now
  end
end

local function renew()
  local generation = math.max(tonumber(GENERATION), tonumber(string.match(RECORD, '^%d+') or 0))
  write_though_full()
  local ends = digits(now + tonumber(LEASE))
  call('ZADD', SESSIONS, ends, SESSION)
  local record = table.concat({ digits(generation), ends, LEASE, WHO }, '|')
  call('HSET', EPOCH, 'layout', LAYOUT, 'clock', digits(now), SESSION, record)
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
    -- One that begins later than now is of a clock that has been set back.
    if since + TIME_TO_CLEAR <= now or since > now then
      call('HSET', EPOCH, 'clear:' .. dead, digits(now))
      table.insert(sessions, dead)
    end
  end
  return sessions
end

local layout, clock = unpack(call('HMGET', EPOCH, 'layout', 'clock'))
if layout and layout ~= LAYOUT then
  return { 'layout', layout }
end
notice_step_back(clock)
local lease = call('ZSCORE', SESSIONS, SESSION)
local may_return = FROZEN > 0 and not (lease and tonumber(lease) == 0)
local may_open = IS_OPENING == '1' and not lease
if not (is_alive(SESSION) or may_return or may_open) then
  return { 'lost' }
end
renew()
raise_ticks(KNOWN_TICK)
return { 'kept', next_lapse(), FROZEN, sessions_to_clear() }
