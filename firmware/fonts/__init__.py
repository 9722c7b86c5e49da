"""The wallet's lettering: drawn as strokes, turned into bitmaps for the screens."""
