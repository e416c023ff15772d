"""What every host needs: a collection to write to, vectors from outside, metadata both ways."""
