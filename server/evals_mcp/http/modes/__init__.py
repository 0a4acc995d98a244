"""Who may call: http.mode local, header or oauth."""
