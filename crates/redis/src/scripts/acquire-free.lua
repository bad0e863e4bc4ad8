-- The usual case of acquire.lua, without what the others need: an idle lock is granted. It comes first in the script, and
-- goes on to the rest where anything is unusual: somebody holds, waits, or is remembered; a freeze; an unknown session.
do
  local call = redis.call
  local holders, queue, expired = KEYS[6], KEYS[7], KEYS[4]
  if call('EXISTS', holders, queue) == 0 and not call('ZSCORE', expired, ARGV[6]) then
    local id = ARGV[6]
    local session = string.match(id, '^[^.]*')
    local time = call('TIME')
    local now_us = time[1] * 1000000 + time[2]
    local now = math.floor(now_us / 1000)
    local run, ends, record = unpack(call('HMGET', KEYS[5], 'run', 'until', session))
    local lease = call('ZSCORE', KEYS[1], session)
    local known = ARGV[3] == '' or (run == ARGV[3] and tonumber(ends) <= now)
    if known and lease and tonumber(lease) > now and tonumber(string.match(record or '', '^%d+') or 0) <= tonumber(ARGV[13]) then
      local tick = math.max(now_us, (call('GET', KEYS[2]) or 0) + 1)
      local fence = string.format('%.0f', tick)
      local keep = 2592000000 -- KEEP of bucket.lua: 30 days
      call('SET', KEYS[2], fence, 'PX', keep)
      call('ZADD', KEYS[3], 0, id .. '|' .. ARGV[8] .. '|' .. ARGV[9] .. '|' .. ARGV[10] .. '|' .. ARGV[7])
      call('PEXPIRE', KEYS[3], keep)
      local expiry = tonumber(ARGV[9])
      -- As in `grant` of settle.lua: `now` is up to a millisecond behind.
      local due = expiry > 0 and string.format('%.0f', now + 1 + expiry) or '0'
      call('HSET', holders, 'mode', ARGV[8], 'due', due, id, fence .. '|' .. due .. '|0')
      call('PEXPIRE', holders, keep)
      return { 'granted', tick, 0 }
    end
  end
end
