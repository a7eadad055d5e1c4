/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Integer arithmetic: checksums with published answers, wide multiplication and division, sorting.
 */
#include "selftest.h"

static uint32_t
crc32_reflected (uint32_t polynomial, const uint8_t *p, size_t size)
{
  uint32_t table[256], crc = 0xffffffffu;
  for (uint32_t i = 0; i < 256; i++)
    {
      uint32_t c = i;
      for (int k = 0; k < 8; k++)
        c = c & 1 ? c >> 1 ^ polynomial : c >> 1;
      table[i] = c;
    }
  while (size--)
    crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
  return ~crc;
}

static uint32_t
adler32 (const uint8_t *p, size_t size)
{
  uint32_t a = 1, b = 0;
  while (size--)
    {
      a = (a + *p++) % 65521;
      b = (b + a) % 65521;
    }
  return b << 16 | a;
}

static uint32_t
rotate_right (uint32_t x, int n)
{
  return x >> n | x << (32 - n);
}

/* FIPS 180-4's constants are the fraction bits of the cube roots of the first 64 primes; they are
   computed in integers here, which tests more of the processor than a table would. */
static uint32_t
cube_root_fraction (uint32_t prime)
{
  unsigned __int128 target = (unsigned __int128) prime << 96;
  uint64_t low = 0, high = UINT64_C (1) << 36;
  while (high - low > 1)
    {
      uint64_t middle = low + (high - low) / 2;
      unsigned __int128 square = (unsigned __int128) middle * middle;
      /* middle < 2^36, so its cube fits in 108 bits */
      if (square * middle <= target)
        low = middle;
      else
        high = middle;
    }
  return (uint32_t) low;
}

static uint32_t
square_root_fraction (uint32_t prime)
{
  unsigned __int128 target = (unsigned __int128) prime << 64;
  uint64_t low = 0, high = UINT64_C (1) << 37;
  while (high - low > 1)
    {
      uint64_t middle = low + (high - low) / 2;
      if ((unsigned __int128) middle * middle <= target)
        low = middle;
      else
        high = middle;
    }
  return (uint32_t) low;
}

static void
sha256_block (uint32_t h[8], const uint32_t k[64], const uint8_t *p)
{
  uint32_t w[64], v[8];
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t) p[4 * i] << 24 | p[4 * i + 1] << 16 | p[4 * i + 2] << 8 | p[4 * i + 3];
  for (int i = 16; i < 64; i++)
    {
      uint32_t s0 = rotate_right (w[i - 15], 7) ^ rotate_right (w[i - 15], 18) ^ w[i - 15] >> 3;
      uint32_t s1 = rotate_right (w[i - 2], 17) ^ rotate_right (w[i - 2], 19) ^ w[i - 2] >> 10;
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
  memcpy (v, h, sizeof v);
  for (int i = 0; i < 64; i++)
    {
      uint32_t s1 = rotate_right (v[4], 6) ^ rotate_right (v[4], 11) ^ rotate_right (v[4], 25);
      uint32_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
      uint32_t s0 = rotate_right (v[0], 2) ^ rotate_right (v[0], 13) ^ rotate_right (v[0], 22);
      uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
      memmove (v + 1, v, 7 * sizeof v[0]);
      v[4] += t1;
      v[0] = t1 + t2;
    }
  for (int i = 0; i < 8; i++)
    h[i] += v[i];
}

void
sha256 (const void *data, size_t size, uint8_t out[32])
{
  const uint8_t *p = data;
  uint32_t h[8], k[64], n = 0;
  uint8_t last[128] = { 0 };
  size_t rest = size % 64, tail = rest < 56 ? 64 : 128;

  for (uint32_t candidate = 2; n < 64; candidate++)
    {
      bool prime = true;
      for (uint32_t d = 2; d * d <= candidate; d++)
        prime &= candidate % d != 0;
      if (!prime)
        continue;
      if (n < 8)
        h[n] = square_root_fraction (candidate);
      k[n++] = cube_root_fraction (candidate);
    }
  for (size_t i = 0; i + 64 <= size; i += 64)
    sha256_block (h, k, p + i);
  memcpy (last, p + size - rest, rest);
  last[rest] = 0x80;
  for (int i = 0; i < 8; i++)
    last[tail - 1 - i] = (uint64_t) size * 8 >> 8 * i;
  for (size_t i = 0; i < tail; i += 64)
    sha256_block (h, k, last + i);
  for (int i = 0; i < 32; i++)
    out[i] = h[i / 4] >> (24 - 8 * (i % 4));
}

static int
compare (const void *a, const void *b)
{
  int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
  return x < y ? -1 : x > y;
}

/* Every width of multiply, divide, remainder and shift, signed and unsigned, on awkward operands;
   division by zero is left out since C does not define it. */
static void
arithmetic (uint64_t *digest)
{
  static const uint64_t odd[] = { 1, 2, 3, 7, 10, 0x7f, 0x80, 0xffff, 0x7fffffff, 0x80000000,
                                  0xffffffff, UINT64_C (0x100000000), INT64_MAX,
                                  UINT64_C (0x8000000000000000), UINT64_MAX, UINT64_MAX - 1 };
  enum { N = sizeof odd / sizeof odd[0] };
  for (int i = 0; i < N * N; i++)
    {
      volatile uint64_t va = odd[i / N], vb = odd[i % N];
      uint64_t a = va, b = vb;
      int64_t sa = a, sb = b;
      unsigned __int128 wide = (unsigned __int128) a * b;
      __int128 swide = (__int128) sa * sb;
      digest_u64 (digest, wide >> 64);
      digest_u64 (digest, wide);
      digest_u64 (digest, (unsigned __int128) swide >> 64);
      digest_u64 (digest, a / b);
      digest_u64 (digest, a % b);
      if (!(sa == INT64_MIN && sb == -1))
        {
          digest_u64 (digest, sa / sb);
          digest_u64 (digest, sa % sb);
        }
      if ((uint32_t) b != 0)
        {
          digest_u64 (digest, (uint32_t) a / (uint32_t) b);
          digest_u64 (digest, (uint32_t) a % (uint32_t) b);
          if (!((int32_t) a == INT32_MIN && (int32_t) b == -1))
            {
              digest_u64 (digest, (int32_t) a / (int32_t) b);
              digest_u64 (digest, (int32_t) a % (int32_t) b);
            }
        }
      digest_u64 (digest, a << (b & 63));
      digest_u64 (digest, a >> (b & 63));
      digest_u64 (digest, sa >> (b & 63));
      digest_u64 (digest, (uint32_t) a << (b & 31));
      digest_u64 (digest, (int32_t) a >> (b & 31));
      digest_u64 (digest, __builtin_popcountll (a ^ b) * 64 + (a ? __builtin_clzll (a) : 64));
      digest_u64 (digest, __builtin_bswap64 (a - b));
      digest_u64 (digest, ((unsigned __int128) a << 64 | b) % UINT64_C (0xfffffffffffffc5));
      digest_u64 (digest, (sa < sb) | (a < b) << 1 | (a == b) << 2);
    }
}

int
part_checksum (uint64_t *digest)
{
  enum { SIZE = 1 << 18, N = 20000 };
  uint8_t *buffer = malloc (SIZE), hash[32];
  int64_t *numbers = malloc (N * sizeof *numbers);
  uint64_t state = 42;
  static const uint8_t abc[32] = {
    0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
    0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad
  };

  CHECK (buffer && numbers);
  CHECK (crc32_reflected (0xedb88320, (const uint8_t *) "123456789", 9) == 0xcbf43926);
  CHECK (crc32_reflected (0x82f63b78, (const uint8_t *) "123456789", 9) == 0xe3069283);
  CHECK (adler32 ((const uint8_t *) "Wikipedia", 9) == 0x11e60398);
  sha256 ("abc", 3, hash);
  CHECK (memcmp (hash, abc, 32) == 0);

  for (int i = 0; i < SIZE; i++)
    buffer[i] = random_next (&state) >> 56;
  digest_u64 (digest, crc32_reflected (0xedb88320, buffer, SIZE));
  digest_u64 (digest, crc32_reflected (0x82f63b78, buffer, SIZE));
  digest_u64 (digest, adler32 (buffer, SIZE));
  /* odd starts and sizes: every alignment, both paddings */
  for (int i = 0; i < 130; i++)
    {
      sha256 (buffer + i, 3 * i, hash);
      digest_bytes (digest, hash, 32);
    }
  sha256 (buffer, SIZE, hash);
  digest_bytes (digest, hash, 32);
  arithmetic (digest);

  for (int i = 0; i < N; i++)
    numbers[i] = random_next (&state) >> (i % 48);
  qsort (numbers, N, sizeof *numbers, compare);
  for (int i = 0; i < N; i++)
    {
      CHECK (i == 0 || numbers[i - 1] <= numbers[i]);
      digest_u64 (digest, numbers[i]);
    }
  free (buffer);
  free (numbers);
  return 0;
}
