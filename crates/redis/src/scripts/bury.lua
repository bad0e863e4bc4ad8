-- Forgets a dead session of which nothing is left (see reap.lua). Until then it stays among the sessions, since that is
-- how other scripts know that some holder may be dead. Anybody may, any number of times.
--
-- KEYS[1..4] and ARGV[1..4]: see layout.lua
-- ARGV[5] session
--
-- Reply: 1, or 0 if the session is not dead, may still come back, or still has requests

-- ('/' is the character after '.'.)
local left = call('ZRANGEBYLEX', OWNERS, '[' .. SESSION .. '.', '(' .. SESSION .. '/', 'LIMIT', 0, 1)
if #left > 0 or not is_over(SESSION) then
  return 0
end
call('ZREM', SESSIONS, SESSION)
call('HDEL', EPOCH, SESSION, 'clear:' .. SESSION)
local lease = string.match(RECORD, '^%d+|%d+|(%d+)|')
if lease then
  call('ZREM', OWNERS, lease_entry(SESSION, lease))
end
return 1
