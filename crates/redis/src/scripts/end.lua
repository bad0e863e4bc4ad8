-- Ends the caller's own session, so that nobody waits for its lease. The caller clears it (see reap.lua).
--
-- KEYS[1..4] and ARGV[1..4]: see layout.lua
-- ARGV[5] session
--
-- Reply: 1, or 0 if there is no such session

if not call('ZSCORE', SESSIONS, SESSION) then
  return 0
end
write_though_full()
call('ZADD', SESSIONS, 0, SESSION)
call('HDEL', EPOCH, SESSION)
call('ZREM', OWNERS, lease_entry(SESSION, LEASE))
call('HSET', EPOCH, 'clear:' .. SESSION, digits(now))
return 1
