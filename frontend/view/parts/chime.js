/**
 * A short sound of two notes, made here. Silent until the reader has touched the page, as browsers want it.
 * Layer: view.
 */

const NOTES_HZ = Object.freeze([880, 1_320]);
const NOTE_S = 0.09;
const LOUDNESS = 0.08;

/** @type {AudioContext | null} */ let context = null;

export function chime() {
  if (!navigator.userActivation?.hasBeenActive) return;
  context ??= new AudioContext();
  const audio = context;
  audio.resume();
  NOTES_HZ.forEach((hz, index) => {
    const startS = audio.currentTime + index * NOTE_S;
    const volume = new GainNode(audio, { gain: LOUDNESS });
    volume.gain.setValueAtTime(LOUDNESS, startS);
    volume.gain.exponentialRampToValueAtTime(0.001, startS + NOTE_S);
    const note = new OscillatorNode(audio, { frequency: hz });
    note.connect(volume).connect(audio.destination);
    note.start(startS);
    note.stop(startS + NOTE_S);
  });
}
