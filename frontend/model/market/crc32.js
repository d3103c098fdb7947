/**
 * CRC-32 (IEEE 802.3, as in zip), the checksum of the l2 feed.
 * Layer: model.
 */

const TABLE = new Uint32Array(256).map((_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/**
 * @param {string} text ASCII only
 * @returns {number} 0 to 2**32 - 1
 */
export function crc32(text) {
  let crc = 0xffffffff;
  for (let index = 0; index < text.length; index += 1) {
    crc = (crc >>> 8) ^ TABLE[(crc ^ text.charCodeAt(index)) & 0xff];
  }
  return (crc ^ 0xffffffff) >>> 0;
}
