-- The usual case of acquire.lua, without what the others need: an idle lock is granted. It comes after layout.lua, and goes
-- on to the rest where anything is unusual: somebody holds, waits, or is remembered; a freeze; an unknown session.
--
-- Each command costs the server about as much as all the Lua here: what can be known without one is.
do
  local id = ARGV[5]
  -- There are expired holds for an hour after one expired; else nobody has to look for this one among them.
  if call('EXISTS', HOLDERS, QUEUE, EXPIRED) == 0
    or (call('EXISTS', HOLDERS, QUEUE) == 0 and not call('ZSCORE', EXPIRED, id)) then
    local session = string.match(id, '^[^.]*')
    local time = call('TIME')
    local now_us = time[1] * 1000000 + time[2]
    local now = math.floor(now_us / 1000)
    local run, ends, last_tick, record = unpack(call('HMGET', EPOCH, 'run', 'until', 'tick', session))
    local generation, lease = string.match(record or '', '^(%d+)|(%d+)|')
    local known = ARGV[2] == '' or (run == ARGV[2] and tonumber(ends) <= now)
    if known and lease and tonumber(lease) > now and tonumber(generation) <= tonumber(ARGV[12]) then
      -- As a text, the time is here already: to write a number takes ten times as long.
      local tick, fence = now_us, time[1] .. string.sub('00000' .. time[2], -6)
      if tick <= (tonumber(last_tick) or 0) then
        tick = last_tick + 1
        fence = string.format('%.0f', tick)
      end
      call('HSET', EPOCH, 'tick', fence)
      local member = id .. '|' .. ARGV[7] .. '|' .. ARGV[8] .. '|' .. ARGV[9] .. '|' .. ARGV[6]
      -- Not kept alive here: see `lease_entry`.
      call('ZADD', OWNERS, '0', member)
      -- As in `deadline_of` of holds.lua: `now` is up to a millisecond behind.
      local due = ARGV[8] == '0' and '0' or string.format('%.0f', now + 1 + ARGV[8])
      call('HSET', HOLDERS, 'mode', ARGV[7], 'due', due, 'alone', member, id, fence .. '|' .. due .. '|0')
      call('PEXPIRE', HOLDERS, KEEP)
      return { 'granted', tick, 0 }
    end
  end
end
