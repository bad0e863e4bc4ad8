-- Reports who holds a lock and who waits for it, page by page where there are many. Changes nothing.
--
-- KEYS[1..7] and ARGV[1..4]: see layout.lua
-- ARGV[5] where the page of the holders begins: 0 at first, then as the reply says; '' if all have been reported
-- ARGV[6] the same of the queue: -inf at first
--
-- Reply: { <now in us>, <mode of the holders, '' if there are none>, <recovered 1|0>, <holders>, <queue>, <ARGV[5] and ARGV[6]
-- for the next page> }
--   holders, in no order, some perhaps twice: { <id>, <fence>, <recovered, as the grant said>, <asker>, <who> }
--   queue, in order:                          { <id>, <ticket>, <mode>, <asker>, <who> }
-- Fences and tickets are the time in us of the grant and of the asking, or a little later; `who` as in beat.lua.

local CURSOR, AFTER = unpack(ARGV, 5, 6)

local names = {}
local function who_is(session)
  if not names[session] then
    names[session] = string.match(call('HGET', EPOCH, session) or '', '^%d+|%d+|%d+|(.*)$') or ''
  end
  return names[session]
end

local function list_holders()
  local page = call('HSCAN', HOLDERS, CURSOR, 'COUNT', MOST)
  CURSOR = page[1] == '0' and '' or page[1]
  local holders = {}
  for i = 1, #page[2], 2 do
    local id = page[2][i]
    local fence, was_recovered = string.match(page[2][i + 1], '^(%d+)|%d+|(%d)$')
    if fence then
      local _, _, asker = find_request(id)
      table.insert(holders, { id, tonumber(fence), tonumber(was_recovered), asker or '0', who_is(session_of(id)) })
    end
  end
  return holders
end

local function list_queue()
  local page = call('ZRANGEBYSCORE', QUEUE, AFTER, '+inf', 'WITHSCORES', 'LIMIT', 0, MOST)
  AFTER = #page == 2 * MOST and '(' .. page[#page] or ''
  local queue = {}
  for i = 1, #page, 2 do
    local id = page[i]
    local wanted, _, asker = find_request(id)
    table.insert(queue, { id, tonumber(page[i + 1]), wanted or READ, asker or '0', who_is(session_of(id)) })
  end
  return queue
end

local mode, recovered = unpack(call('HMGET', HOLDERS, 'mode', 'recovered'))
local holders = CURSOR == '' and {} or list_holders()
local queue = AFTER == '' and {} or list_queue()
return { now_us, mode or '', tonumber(recovered or 0), holders, queue, CURSOR, AFTER }
