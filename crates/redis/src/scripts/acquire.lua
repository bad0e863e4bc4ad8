-- Asks for locks: for each by itself, or for all together. Together, all are granted if all are idle (see acquire-free.lua); else the
-- first one is asked for as if it were alone, and nothing is done about the others.
--
-- Safe to repeat at any time for one lock: one that holds gets its grant again, one that waits keeps its place.
--
-- KEYS[1..4] and ARGV[1..4]: see layout.lua. Then KEYS has the holders, the queue and the dues of each lock
-- ARGV[5]  request id
-- ARGV[6]  the lock's name, as at the end of its keys
-- ARGV[7]  mode, of all
-- ARGV[8]  expiry of the holds in ms, counted from the grant; 0: never
-- ARGV[9]  asker
-- ARGV[10] 'each': each by itself, for different locks, and none has been asked for before; else together, and 'wait' or 'try':
--          do not wait
-- ARGV[11] the ticket that a server had given it before it forgot, or 0; counts only while the bucket is frozen
-- ARGV[12] generation of the session's connection
-- Then, for each of the others: its request's id, which has not been asked for before, and the lock's name
--
-- Where one script may not do more (see `LEFT` in holds.lua), those that are asked for each by itself join the queue, to be poked at
-- once.
--
-- Replies:
--   all <fence>           all are granted, not recovered: the first with this fence, each of the others with the next one
--   each <replies>        one of the following for each, except the last two, which concern all
--   granted <fence> <recovered 1|0>
--   queued <ticket> <ms>  waits; to be poked (poke.lua) after that time; -1: not before a message says so
--   busy                  not granted, and not willing to wait; nothing is left of it
--   frozen <ms>           the same, since the bucket is frozen for so long: nobody is known to be in its way
--   expired               it was granted, and taken away again
--   lost                  the session's lease has ended, or the server does not know it
--   stale                 a younger connection of the session has come; nothing was done

local ID, NAME, MODE, EXPIRY, ASKER, HOW, OLD_TICKET, GENERATION = unpack(ARGV, 5, 12)

local function granted()
  local fence, _, recovered = find_hold(ID)
  return fence and { 'granted', fence, recovered }
end

local function queued(ticket)
  local wait = (FROZEN > 0 or REST or head_of_queue() == ID) and head_wait() or -1
  return { 'queued', tonumber(ticket), wait }
end

local function repeated(ticket)
  settle(ID)
  call('PEXPIRE', HOLDERS, KEEP)
  call('PEXPIRE', QUEUE, KEEP)
  return granted() or queued(ticket)
end

local function first_time()
  local is_next = settle(ID)
  if is_next and FROZEN == 0 and admits(MODE) then
    remember_request(ID, MODE, EXPIRY, ASKER, NAME)
    local fence = next_ticks(1)
    return { 'granted', fence, add_holds(MODE, { { id = ID, fence = fence, deadline = deadline_of(tonumber(EXPIRY)) } }) }
  end
  if HOW == 'try' then
    local is_unknown = FROZEN > 0 and is_next and is_compatible(call('HGET', HOLDERS, 'mode'), MODE)
    return is_unknown and { 'frozen', FROZEN } or { 'busy' }
  end
  local ticket = FROZEN > 0 and OLD_TICKET ~= '0' and tonumber(OLD_TICKET) or next_ticks(1)
  raise_ticks(digits(ticket))
  remember_request(ID, MODE, EXPIRY, ASKER, NAME)
  end_solitude()
  call('ZADD', QUEUE, digits(ticket), ID)
  call('PEXPIRE', QUEUE, KEEP)
  return queued(ticket)
end

local function acquire()
  local grant_again = granted()
  if grant_again then
    return grant_again
  end
  local ticket = call('ZSCORE', QUEUE, ID)
  if ticket then
    return repeated(ticket)
  end
  if call('ZSCORE', EXPIRED, ID) then
    return { 'expired' }
  end
  return first_time()
end

if is_stale(GENERATION) then
  return { 'stale' }
end
if not is_alive(SESSION) then
  return { 'lost' }
end
if HOW ~= 'each' then
  return acquire()
end
for i = 1, REQUESTS do
  if not replies[i] then
    HOLDERS, QUEUE, DUES = unpack(KEYS, 2 + 3 * i, 4 + 3 * i)
    if i > 1 then
      ID, NAME = ARGV[9 + 2 * i], ARGV[10 + 2 * i]
    end
    replies[i] = acquire()
  end
end
return { 'each', replies }
