-- The usual case of acquire.lua, without what the others need: idle locks are granted. It comes after layout.lua, and goes
-- on to the rest where anything is unusual: somebody holds, waits, or is remembered; a freeze; an unknown session.
--
-- Each command costs the server about as much as all the Lua here: what can be known without one is.
do
  local id = ARGV[5]
  local idle = { HOLDERS, QUEUE }
  for i = 8, #KEYS, 3 do
    idle[#idle + 1] = KEYS[i]
    idle[#idle + 1] = KEYS[i + 1]
  end
  -- There are expired holds for an hour after one expired; else nobody has to look for this one among them.
  if call('EXISTS', EXPIRED, unpack(idle)) == 0
    or (call('EXISTS', unpack(idle)) == 0 and not call('ZSCORE', EXPIRED, id)) then
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
      local count = #idle / 2
      call('HSET', EPOCH, 'tick', count == 1 and fence or string.format('%.0f', tick + count - 1))
      local asked = '|' .. ARGV[7] .. '|' .. ARGV[8] .. '|' .. ARGV[9] .. '|'
      local owners = { '0', id .. asked .. ARGV[6] }
      for i = 13, #ARGV, 2 do
        owners[#owners + 1] = '0'
        owners[#owners + 1] = ARGV[i] .. asked .. ARGV[i + 1]
      end
      -- Not kept alive here: see `lease_entry`.
      call('ZADD', OWNERS, unpack(owners))
      -- As in `deadline_of` of holds.lua: `now` is up to a millisecond behind.
      local due = ARGV[8] == '0' and '0' or string.format('%.0f', now + 1 + ARGV[8])
      for i = 1, count do
        local holders = KEYS[2 + 3 * i]
        call('HSET', holders, 'mode', ARGV[7], 'due', due, 'alone', owners[2 * i], id, fence .. '|' .. due .. '|0')
        call('PEXPIRE', holders, KEEP)
        if i < count then
          id = ARGV[11 + 2 * i]
          fence = string.format('%.0f', tick + i)
        end
      end
      return { 'all', tick }
    end
  end
end
