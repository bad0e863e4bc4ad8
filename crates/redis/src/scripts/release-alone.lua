-- The usual case of release.lua: a write hold that nobody waits for, of a lock that is not recovered. See acquire-free.lua.
if ARGV[7] == 'normal' and call('HLEN', HOLDERS) == 3 and call('HEXISTS', HOLDERS, ARGV[6]) == 1
  and call('EXISTS', QUEUE) == 0 then
  call('DEL', HOLDERS)
  call('ZREMRANGEBYLEX', OWNERS, '[' .. ARGV[6] .. '|', '(' .. ARGV[6] .. '}')
  return 'released'
end
