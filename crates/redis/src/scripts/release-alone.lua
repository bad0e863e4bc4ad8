-- The usual case of release.lua: a write hold that nobody waits for, of a lock that is not recovered. See acquire-free.lua.
if ARGV[7] == 'normal' and redis.call('HLEN', KEYS[6]) == 3 and redis.call('HEXISTS', KEYS[6], ARGV[6]) == 1
  and redis.call('EXISTS', KEYS[7]) == 0 then
  redis.call('DEL', KEYS[6])
  redis.call('ZREMRANGEBYLEX', KEYS[3], '[' .. ARGV[6] .. '|', '(' .. ARGV[6] .. '}')
  return 'released'
end
