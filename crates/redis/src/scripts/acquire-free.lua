-- The usual case of acquire.lua, without what the others need: an idle lock is granted. It comes after layout.lua, and goes
-- on to the rest where anything is unusual: somebody holds, waits, or is remembered; a freeze; an unknown session.
do
  local id = ARGV[6]
  if call('EXISTS', HOLDERS, QUEUE) == 0 and not call('ZSCORE', EXPIRED, id) then
    local session = string.match(id, '^[^.]*')
    local time = call('TIME')
    local now_us = time[1] * 1000000 + time[2]
    local now = math.floor(now_us / 1000)
    local run, ends, record = unpack(call('HMGET', EPOCH, 'run', 'until', session))
    local lease = call('ZSCORE', SESSIONS, session)
    local known = ARGV[3] == '' or (run == ARGV[3] and tonumber(ends) <= now)
    if known and lease and tonumber(lease) > now and tonumber(string.match(record or '', '^%d+') or 0) <= tonumber(ARGV[13]) then
      local tick = math.max(now_us, (call('GET', CLOCK) or 0) + 1)
      local fence = string.format('%.0f', tick)
      call('SET', CLOCK, fence, 'PX', KEEP)
      call('ZADD', OWNERS, 0, id .. '|' .. ARGV[8] .. '|' .. ARGV[9] .. '|' .. ARGV[10] .. '|' .. ARGV[7])
      call('PEXPIRE', OWNERS, KEEP)
      local expiry = tonumber(ARGV[9])
      -- As in `grant` of settle.lua: `now` is up to a millisecond behind.
      local due = expiry > 0 and string.format('%.0f', now + 1 + expiry) or '0'
      call('HSET', HOLDERS, 'mode', ARGV[8], 'due', due, id, fence .. '|' .. due .. '|0')
      call('PEXPIRE', HOLDERS, KEEP)
      return { 'granted', tick, 0 }
    end
  end
end
