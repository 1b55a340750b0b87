"""Acts of officials: recognition, relief, revocation, closing, publication and the review of anomalies."""
