-- Examines the server or, with KEYS[2], checks a nonce-count and records it if it is fresh. The
-- documentation of the module says why nothing passes twice.
--
-- KEYS[1]  the epoch: a hash with `epoch`, `server`, `time` and `retention` (both in ms)
-- KEYS[2]  the record of the nonce: holder, highest count, and a bit for each of 128 counts
-- ARGV[1]  the epoch to start if a new one is needed
-- ARGV[2]  how long nonces are recorded from their issue on, in ms; to examine the server, `renew`
--          if a new epoch is needed in any case
-- ARGV[3]  the epoch of the nonce
-- ARGV[4]  the time of its issue, in ms
-- ARGV[5]  its holder, 16 bytes
-- ARGV[6]  the nonce-count
-- ARGV[7]  the width of the window
--
-- Returns a word, and the current epoch or what is wrong with the server.

-- The largest step back of the clock that needs no new epoch, and how much longer than necessary a
-- record is kept, in ms. The second must be larger than the first and TIME_STEP together.
local MAX_STEP_BACK, MARGIN = 2000, 5000
-- The precision of the recorded time, in ms.
local TIME_STEP = 1000
-- The number of bits of a record.
local BITS = 128

local function info(section, name)
  local value = string.match(redis.call('INFO', section), '\n' .. name .. ':([^\r\n]+)')
  return value or error('INFO ' .. section .. ' has no ' .. name)
end

-- What changes when writes may have been lost: at each start, and when a replica is promoted.
local function server_id()
  return info('server', 'run_id') .. ' ' .. info('replication', 'master_replid')
end

local function position(count)
  local bit_number = count % BITS
  return 3 + math.floor(bit_number / 32), bit.lshift(1, bit_number % 32)
end

local is_check = KEYS[2] ~= nil
local server = not is_check and server_id()
if not is_check then
  local role, policy = info('replication', 'role'), info('memory', 'maxmemory_policy')
  if role ~= 'master' then
    return {'replica', role}
  elseif policy ~= 'noeviction' then
    return {'evicts', policy}
  end
end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local known = redis.call('HMGET', KEYS[1], 'epoch', 'server', 'time', 'retention')
local epoch, time, retention = known[1], tonumber(known[3]), tonumber(known[4])
local asked = tonumber(ARGV[2]) or 0
if not epoch
  or (server and known[2] ~= server)
  or ARGV[2] == 'renew'
  or now < time - MAX_STEP_BACK
  or (retention > 0 and asked > retention)
then
  epoch, retention = ARGV[1], math.max(asked, retention or 0)
  server = server or server_id()
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'server', server, 'time', now, 'retention', retention)
elseif now >= time + TIME_STEP or asked > retention then
  retention = math.max(asked, retention)
  redis.call('HSET', KEYS[1], 'time', now, 'retention', retention)
end
if not is_check then
  return {'ready', epoch}
end

if ARGV[3] ~= epoch then
  return {'other-epoch', epoch}
end
local issued, holder, count = tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6])
local left = issued + retention - now
if left <= 0 or left > 2 * retention then
  return {'forgotten', epoch}
end
local stored = redis.call('GET', KEYS[2])
if not stored then
  local record = {holder, count, 0, 0, 0, 0}
  local word, mask = position(count)
  record[word] = mask
  redis.call('SET', KEYS[2], struct.pack('>c16I4i4i4i4i4', unpack(record)), 'PX', left + MARGIN)
  return {'fresh', epoch}
end

local record = {struct.unpack('>c16I4i4i4i4i4', stored)}
local highest = record[2]
if record[1] ~= holder then
  return {'other-user', epoch}
elseif count + tonumber(ARGV[7]) <= highest then
  return {'replayed', epoch}
end
for passed = math.max(highest + 1, count - BITS + 1), count do
  local word, mask = position(passed)
  record[word] = bit.band(record[word], bit.bnot(mask))
end
local word, mask = position(count)
if bit.band(record[word], mask) ~= 0 then
  return {'replayed', epoch}
end
record[word], record[2] = bit.bor(record[word], mask), math.max(highest, count)
redis.call('SETRANGE', KEYS[2], 16, struct.pack('>I4i4i4i4i4', unpack(record, 2, 6)))
return {'fresh', epoch}
