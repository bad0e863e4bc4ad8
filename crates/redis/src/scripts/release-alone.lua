-- The usual case of release.lua: a hold with which there is nothing else to a lock, as acquire-free.lua left it.
if ARGV[6] == 'normal' then
  local member = call('HGET', HOLDERS, 'alone')
  if member and string.sub(member, 1, #ARGV[5] + 1) == ARGV[5] .. '|' then
    call('DEL', HOLDERS)
    call('ZREM', OWNERS, member)
    return 'released'
  end
end
